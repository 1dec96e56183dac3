"""What is wanted of nodes, written where their launchers ask for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import F

from ota.domain.states import RolloutState
from ota.domain.view import View
from ota.domain.wishes import Wish, wish_for
from ota.models import Deployment, Home, Release, Rollout

#: What ran before has been through its probation; its probe is enough.
PROVED = {"probation": 0.0}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a home is to run: a release by its key, or its own code."""

    release: int | None
    own: bool
    activate: bool

    @classmethod
    def of(cls, home: Home) -> "Wanted":
        """What is wanted of a home so far."""
        return cls(home.wanted_id, home.wanted_own, home.activate)


def write_wishes(
    rollout: Rollout, view: View, deployments: Iterable[Deployment], homes: Mapping[str, Home]
) -> set[str]:
    """Bring what is wanted of a rollout's nodes up to date; of whom it is another thing now."""
    rows = {row.node: row for row in deployments if row.node in homes}
    wishes = {name: wish_for(view.members[name].state, RolloutState(view.state)) for name in rows}
    before = _releases_before(rows[name] for name, wish in wishes.items() if wish is Wish.BACK)
    changed: dict[Wanted, list[str]] = {}
    for name, wish in wishes.items():
        wanted = _spell(wish, rollout, rows[name], before)
        if wanted and wanted != Wanted.of(homes[name]):
            changed.setdefault(wanted, []).append(name)
    for wanted, names in changed.items():
        back = wanted.release != rollout.release_id
        want(names, wanted, terms={**view.terms.node, **(PROVED if back else {})})
    return {name for names in changed.values() for name in names}


def want(names: Iterable[str], wanted: Wanted, *, terms: Mapping[str, float]) -> None:
    """Want this of these nodes; their launchers see by `rev` that it is new."""
    Home.objects.filter(pk__in=list(names)).update(
        rev=F("rev") + 1,
        wanted=wanted.release,
        wanted_own=wanted.own,
        activate=wanted.activate,
        terms=dict(terms),
    )


def send_back(rows: Iterable[Deployment], *, terms: Mapping[str, float]) -> None:
    """Want of these nodes what they ran before."""
    rows = list(rows)
    before = _releases_before(rows)
    for row in rows:
        if wanted := _before(row, before):
            want([row.node], wanted, terms={**terms, **PROVED})


def _releases_before(rows: Iterable[Deployment]) -> dict[str, int]:
    """The keys of the releases that nodes are to go back to."""
    wanted = {row.from_sha256 for row in rows} - {""}
    if not wanted:
        return {}
    return dict(Release.objects.filter(sha256__in=wanted).values_list("sha256", "pk"))


def _spell(
    wish: Wish, rollout: Rollout, row: Deployment, before: Mapping[str, int]
) -> Wanted | None:
    match wish:
        case Wish.STAGE | Wish.ACTIVATE:
            return Wanted(rollout.release_id, False, wish is Wish.ACTIVATE)
        case Wish.BACK:
            return _before(row, before)
    return None


def _before(row: Deployment, releases: Mapping[str, int]) -> Wanted | None:
    """What a node ran before; None if nobody here knows that release."""
    if not row.from_sha256:
        return Wanted(None, True, True)
    key = releases.get(row.from_sha256)
    return None if key is None else Wanted(key, False, True)
