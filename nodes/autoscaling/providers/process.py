"""Spores on this machine, as processes. They outlive a Foreman that is killed: the next one finds
them among all processes by their homes, which only a pool's Spores have."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from nodes.autoscaling.ports import Invitations, ProviderError
from nodes.domain.scaling_machines import Instance

KEY_FILE = "node.key"
LOGS_KEPT = 20
#: With this, a Foreman that ends ends its Spores, before whoever ends it loses patience.
CLOSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Start:
    """How to start a Spore: its command line and its environment."""

    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)


#: What starts the Spore of that name in that home.
Recipe = Callable[[str, Path], Start]


class ProcessProvider:
    """One pool's Spores, each with its home in `folder`."""

    def __init__(
        self, *, pool: str, folder: Path, recipe: Recipe, invitations: Invitations
    ) -> None:
        self._pool, self._folder, self._recipe = pool, folder.absolute(), recipe
        self._invitations = invitations
        #: Those that this process started, which it must wait for once they end.
        self._children: list[subprocess.Popen[bytes]] = []
        #: Processes that were told to end: told twice, they would end at once.
        self._told: set[psutil.Process] = set()

    def list(self) -> list[Instance]:
        """See `Provider.list`."""
        self._children = [child for child in self._children if child.poll() is None]
        found = find_spores(self._folder)
        self._told &= set(found.values())
        self._tidy(set(found))
        return [
            Instance(str(each.pid), name, each.create_time(), leaving=each in self._told)
            for name, each in found.items()
        ]

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        for node in nodes:
            try:
                self._start(node)
            except OSError as error:
                raise ProviderError(f"{node} could not be started: {error}") from error

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        # By its home, not by its number, which may be another's by now.
        spore = find_spores(self._folder).get(instance.node)
        if spore is not None and spore not in self._told:
            self._told.add(spore)
            with contextlib.suppress(psutil.NoSuchProcess):
                spore.terminate()

    def close(self) -> None:
        """End all of them: they belong to the Foreman's machine, and to nobody if it goes."""
        end_spores(self._folder, but=self._told)
        # Another Foreman on this machine may lead by now, and have started some.
        self._tidy(set(find_spores(self._folder)))

    def _start(self, node: str) -> None:
        home = self._folder / node
        home.mkdir(mode=0o700, parents=True)
        joins = self._invitations.make(pool=self._pool, node=node)
        key = os.open(home / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(key, "w") as file:
            file.write(joins["HIVE_NODE_KEY"])
        start = self._recipe(node, home)
        with (self._folder / f"{node}.log").open("ab") as log:
            child = subprocess.Popen(
                list(start.argv),
                env={**start.env, "HIVE_NODE_KEY_FILE": str(home / KEY_FILE)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the Foreman, who then ends them.
                start_new_session=True,
            )
        self._children.append(child)
        _await_name(child)

    def _tidy(self, alive: set[str]) -> None:
        """Delete homes of those that are gone, but for what they could not report; old logs."""
        if not self._folder.exists():
            return
        for home in self._folder.iterdir():
            if home.is_dir() and home.name not in alive and not _has_reports(home):
                shutil.rmtree(home, ignore_errors=True)
        logs = sorted(self._folder.glob("*.log"), key=lambda log: log.stat().st_mtime)
        for log in [log for log in logs if log.stem not in alive][:-LOGS_KEPT]:
            log.unlink(missing_ok=True)


def _await_name(child: "subprocess.Popen[bytes]") -> None:
    """Return once a process that was just started has its command line, by which it is found."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(child.pid)
        while child.poll() is None and not process.cmdline():
            time.sleep(0.001)


def find_spores(folder: Path) -> dict[str, psutil.Process]:
    """The outermost process of every Spore whose home is in a folder, by its name."""
    homes: dict[int, tuple[str, psutil.Process]] = {}
    parents: dict[int, int] = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        home = _home_of(process.info["cmdline"] or [])
        if home and home.parent == folder:
            homes[process.pid] = home.name, process
            parents[process.pid] = process.info["ppid"]
    return {name: each for pid, (name, each) in homes.items() if parents[pid] not in homes}


def end_spores(folder: Path, *, but: Collection[psutil.Process] = ()) -> None:
    """End every Spore whose home is in a folder, in a few seconds; `but` were told already."""
    spores = find_spores(folder.absolute()).values()
    for spore in spores:
        if spore not in but:
            with contextlib.suppress(psutil.NoSuchProcess):
                spore.terminate()
    _, left = psutil.wait_procs(spores, timeout=CLOSE_SECONDS)
    for spore in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            spore.kill()  # its agent and its slots end with it
    psutil.wait_procs(left, timeout=CLOSE_SECONDS)


def _home_of(argv: Sequence[str]) -> Path | None:
    if "rqworker" not in argv or "--home" not in argv[:-1]:
        return None
    return Path(argv[argv.index("--home") + 1])


def _has_reports(home: Path) -> bool:
    spool = home / "spool"
    return spool.is_dir() and any(spool.iterdir())
