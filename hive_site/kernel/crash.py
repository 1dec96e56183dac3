"""Named points at which a process can be told to die, to test that nothing is lost there.

`HIVE_CRASH_AT=foreman.recorded` ends the process with `os._exit(137)`, as SIGKILL would, when
it gets there; `HIVE_CRASH_AT=foreman.recorded:3` the third time. Unset, a point costs a look-up
in an empty dictionary.
"""

import os

POINTS = {
    "nexus.stored": "a job is stored, the Foreman was not told",
    "foreman.claimed": "the lease is ours, Redis does not know",
    "foreman.mirrored": "Redis knows the epoch, nothing was loaded",
    "foreman.planned": "bundles are planned, none was sent",
    "foreman.sent": "bundles were sent, nobody knows",
    "foreman.recording": "a batch is written, not committed",
    "foreman.recorded": "a batch is committed, its reports are still in the stream",
    "foreman.settled": "reports are trimmed, memory is not up to date",
    "foreman.reclaimed": "a dead node's lists are emptied, its attempts are open",
    "foreman.withdrawn": "a bundle was taken back, its attempts are open",
    "foreman.cancelling": "slots are told to stop, nothing is recorded",
    "foreman.scheduling": "a schedule's job is written, not committed",
    "foreman.scheduled": "a schedule's job is committed, nobody was told",
    "spore.popped": "a bundle is out of the queue, nothing of it has begun",
    "spore.ran": "an item ran, its result is in memory only",
    "spore.reported": "a result was sent, its slot has not shown that it is idle",
    "launcher.saving": "a state is decided, nothing of it is on the disk",
    "launcher.written": "the new state lies beside the old one",
    "launcher.saved": "the new state counts, nothing was done about it",
    "agent.died": "a slot died, nobody was told",
    "stager.fetched": "a package is whole on the disk, nothing of it was unpacked",
    "stager.unpacked": "a release is unpacked, not in its place",
    "stager.wheels": "wheels are fetched, no environment was made of them",
    "stager.built": "an environment is complete, without its mark",
    "stager.installed": "a release has its Python, not its place",
    "stager.renamed": "a release is in its place, without its mark",
    "stager.ready": "a release has its mark, nobody was told",
    "agent.live": "a heartbeat of a new agent was sent, its launcher was not told",
    "agent.retired": "slots pop no more, the launcher was not told",
    "agent.ready": "all tasks are loaded behind the gate, the launcher was not told",
}
EXIT_CODE = 137


def _read(text: str) -> dict[str, int]:
    point, _, times = text.partition(":")
    return {point: int(times or 1)} if point in POINTS else {}


_armed = _read(os.environ.get("HIVE_CRASH_AT", ""))


def crash_point(name: str) -> None:
    """Die here, if this process was told to."""
    if name in _armed:
        _armed[name] -= 1
        if _armed[name] <= 0:
            os._exit(EXIT_CODE)
