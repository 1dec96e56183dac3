"""Whom a rollout would touch, and whom not, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hive_site.kernel.errors import Conflict, Invalid
from nodes.domain.labels import flaw_of
from nodes.domain.states import NodeState
from nodes.models import Node
from ota.domain.states import ReleaseState, Strategy
from ota.domain.strategies import STRATEGIES, Terms
from ota.domain.waves import draw_waves
from ota.models import Deployment, Home, Release

UNMANAGED, ALREADY, CHANNEL = "unmanaged", "already", "channel"
WHY_SKIPPED = {
    UNMANAGED: "it runs without a launcher; start it with --home",
    ALREADY: "it runs this release",
    CHANNEL: "it takes no releases of this channel",
}


@dataclass(slots=True)
class Plan:
    """Nodes by name: wave by wave; those left out, with a word why; those that are offline, which
    are in a wave too; and those that another rollout has in hand, with its id."""

    release: Release
    terms: Terms
    waves: list[list[str]]
    homes: dict[str, Home]
    skipped: dict[str, str] = field(default_factory=dict)
    offline: list[str] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All that it touches, the first to be updated first."""
        return [name for wave in self.waves for name in wave]


def plan_rollout(*, release: Any, strategy: Any, selector: Any, lot: str) -> Plan:
    """What a rollout would do. Raises `Invalid` with the field's name, or `Conflict`."""
    found, terms = read_release(release), read_strategy(strategy)
    nodes = _select(selector)
    rows = Home.objects.filter(node__in=[node.name for node in nodes])
    homes = {home.node: home for home in rows.select_related("wanted")}
    skipped = {n.name: why for n in nodes if (why := _why_not(homes.get(n.name), found))}
    labels = {node.name: node.labels for node in nodes if node.name not in skipped}
    offline = sorted(n.name for n in nodes if n.name in labels and n.state == NodeState.LOST)
    if not labels and ALREADY not in skipped.values():
        reasons = ", ".join(f"{name}: {why}" for name, why in sorted(skipped.items())[:5])
        meaning = "; ".join(f"{why}: {WHY_SKIPPED[why]}" for why in sorted({*skipped.values()}))
        raise Conflict(f"no node can take {found.version} ({reasons}); {meaning}")
    taken = Deployment.objects.filter(open=True, node__in=list(labels))
    return Plan(
        release=found,
        terms=terms,
        waves=draw_waves(labels, groups=terms.groups, lot=lot, away=offline),
        homes=homes,
        skipped=skipped,
        offline=offline,
        taken=dict(taken.values_list("node", "rollout_id")),
    )


def read_release(version: Any) -> Release:
    """The release of that version, if it may be rolled out."""
    if not isinstance(version, str) or not version:
        raise Invalid("give the version of a release", field="release")
    release = Release.objects.filter(version=version[:65].replace("\0", "")).first()
    if release is None:
        raise Invalid(f"no release is called {version[:65]!r}; publish it first", field="release")
    if release.state != ReleaseState.PUBLISHED:
        raise Conflict(f"release {release} is {release.state} and is not rolled out any more")
    return release


def read_strategy(name: Any) -> Terms:
    """The figures of a strategy."""
    if not isinstance(name, str) or name not in list(Strategy):
        raise Invalid(f"{name!r}; there are {', '.join(Strategy)}", field="strategy")
    return STRATEGIES[Strategy(name)]


def fits(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a node with these labels is meant."""
    return all(labels.get(name) == text for name, text in selector.items())


def takes_channel(home: Home, release: Release) -> bool:
    """Whether a node accepts releases that were signed for this channel."""
    channels = home.report.get("channels")
    return channels is None or release.channel in channels


def _select(selector: Any) -> list[Node]:
    if flaw := flaw_of(selector):
        raise Invalid(flaw, field="selector")
    everybody = list(Node.objects.all())
    if not everybody:
        raise Conflict("no node has joined yet; `hive up` starts some, `hive invite` says how else")
    nodes = [node for node in everybody if fits(selector, node.labels)]
    if not nodes:
        wanted = ", ".join(f"{name}={text}" for name, text in selector.items()) or "any label"
        raise Invalid(f"no node has {wanted}", field="selector")
    return nodes


def _why_not(home: Home | None, release: Release) -> str:
    if home is None or home.reported_at is None:
        return UNMANAGED
    if not takes_channel(home, release):
        return CHANNEL
    settled = not home.wanted_own and home.wanted_id in (None, release.pk)
    return ALREADY if settled and home.active == release.sha256 else ""
