"""What people do to releases and rollouts, on the pages and in the admin."""

from collections.abc import Mapping, Sequence

from hive_site.kernel.errors import Conflict
from nodes.verbs import Verb, tell
from ota.domain.states import ACTIVE_ROLLOUTS
from ota.domain.verbs import VERBS
from ota.models import Home, Release, Rollout
from ota.services.publishing import yank
from ota.services.rollouts import move_rollout
from ota.touching import tell_touched

LABELS = {"promote": "Next wave", "rollback": "Roll back"}
#: What a person should know before it is done.
MEANING = {
    "start": "All nodes prepare, the first wave switches.",
    "pause": "No more nodes switch; those that do come to their end.",
    "resume": "It goes on; what failed in the waves that began is tried again.",
    "promote": "The next wave begins.",
    "abort": "It ends; nodes that have not switched stay as they are.",
    "rollback": "Every node of it goes back to what it ran before, all at once.",
}
DONE = {
    "start": "begins",
    "pause": "is paused",
    "resume": "goes on",
    "promote": "goes on to the next wave",
    "abort": "is aborted",
    "rollback": "goes back",
}
#: What is done at once, and what goes on with what was wanted anyway.
AT_ONCE, ONWARD = frozenset({"pause", "resume"}), frozenset({"start", "promote"})


def users_of(releases: Sequence[Release]) -> str:
    """How many nodes run releases, and how many rollouts bring them."""
    nodes = Home.objects.filter(active__in=[row.sha256 for row in releases]).count()
    moving = Rollout.objects.filter(release__in=releases, state__in=ACTIVE_ROLLOUTS).count()
    return f"{tell(nodes, 'node')} run it, {tell(moving, 'rollout')} bring it; they go on."


def _move(verb: str) -> Verb:
    def act(rollout_id: str, who: str) -> object:
        return move_rollout(rollout_id=rollout_id, verb=verb, who=who)

    def touches(rollouts: Sequence[Rollout]) -> str:
        return " ".join(tell_touched(rollout, verb) for rollout in rollouts)

    label = LABELS.get(verb, verb.capitalize())
    terms = (label, MEANING[verb], "ota.change_rollout", act, DONE[verb])
    return Verb(*terms, asks=verb not in AT_ONCE, harmless=verb in ONWARD, touches=touches)


def _yank(version: str, who: str) -> None:
    if not yank(version=version, who=who):
        raise Conflict(f"release {version} is not published; there is nothing to yank")


ROLLOUT_VERBS: Mapping[str, Verb] = {verb: _move(verb) for verb in VERBS}
RELEASE_VERBS: Mapping[str, Verb] = {
    "yank": Verb(
        "Yank",
        "No new rollout takes it; nodes that run it go on.",
        "ota.change_release",
        _yank,
        "was yanked",
        asks=True,
        touches=users_of,
    ),
}
