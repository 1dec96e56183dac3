import os
from datetime import UTC, datetime

import pytest

from ota.domain.states import ReleaseState, RolloutState
from ota.models import Deployment, Home, OtaEvent, Release, Rollout
from ota.services.pruning import LEFTOVER_SECONDS, prune
from ota.services.publishing import publish
from ota.storage import package_path, packages, wheelhouse
from tests.ota.projects import package, sidecar
from tests.ota.wheels import lock_of, make_wheel

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def releases(desk, tmp_path):
    """Four of the channel dev, the oldest first."""
    return [publish(package(tmp_path, f"1.{n}"), channel="dev", who="ann") for n in range(4)]


def forget(keep=1, **more):
    return prune(keep=keep, who="ann", now=NOW, **more)


def left() -> list[str]:
    rows = Release.objects.exclude(state=ReleaseState.PURGED).order_by("pk")
    return [row.version for row in rows]


def test_what_nobody_needs_is_forgotten_and_the_newest_stay(desk, releases):
    found = forget(keep=2)

    assert found.releases == ("1.0", "1.1")
    assert found.freed_bytes == releases[0].size + releases[1].size
    assert left() == ["1.2", "1.3"]
    assert [package_path(row.sha256).exists() for row in releases] == [False, False, True, True]
    assert sorted(desk.targets) == [releases[2].target, releases[3].target]
    assert OtaEvent.objects.filter(what="purged").count() == 2


def test_each_channel_keeps_its_newest(desk, releases, tmp_path):
    place = package(tmp_path, "0.5")
    publish(place, channel="stable", signature=sidecar(place, 1), who="ann")

    forget(keep=1)

    assert left() == ["1.3", "0.5"]


@pytest.mark.parametrize("column", ["active", "previous", "staged"])
def test_what_a_node_has_stays(releases, column):
    Home.objects.create(node="spore-1", **{column: releases[0].sha256})

    forget()

    assert left() == ["1.0", "1.3"]


def test_what_is_wanted_of_a_node_stays(releases):
    Home.objects.create(node="spore-1", wanted=releases[1])
    Home.objects.create(node="spore-2")

    forget()

    assert left() == ["1.1", "1.3"]


@pytest.mark.parametrize("state", RolloutState)
def test_what_an_open_rollout_brings_or_leads_back_to_stays(releases, state):
    rollout = Rollout.objects.create(release=releases[1], state=state)
    Deployment.objects.create(rollout=rollout, node="spore-1", from_sha256=releases[0].sha256)

    forget()

    is_open = state in {"draft", "running", "paused", "aborting", "rolling_back"}
    assert left() == (["1.0", "1.1", "1.3"] if is_open else ["1.3"])


def test_a_look_changes_nothing(desk, releases):
    found = forget(dry_run=True)

    assert found.releases == ("1.0", "1.1", "1.2")
    assert len(left()) == len(desk.targets) == 4
    assert all(package_path(row.sha256).exists() for row in releases)


def test_doing_it_again_does_nothing(releases):
    forget()

    assert forget() == type(forget())((), (), 0)


def test_what_broke_off_is_finished_the_next_time(desk, releases):
    Release.objects.filter(version="1.0").update(state=ReleaseState.PURGED)
    os.utime(package_path(releases[0].sha256), (1, 1))

    forget(keep=9)

    assert not package_path(releases[0].sha256).exists()
    assert releases[0].target not in desk.targets


@pytest.mark.parametrize("name", [".new-1-abc", f"{'0' * 64}.zip"])
def test_files_of_which_nothing_tells_go_once_they_are_old(desk, name):
    stray = packages() / name
    stray.write_bytes(b"12345")
    assert forget().leftovers == ()

    old = stray.stat().st_mtime - LEFTOVER_SECONDS - 1
    os.utime(stray, (old, old))

    found = forget()
    assert (found.leftovers, found.freed_bytes, stray.exists()) == ((name,), 5, False)


def test_wheels_go_once_no_lock_names_them(desk, tmp_path):
    bee, wasp = (make_wheel(wheelhouse(), name) for name in ("bee", "wasp"))
    for version, wheel, need in (("1.0", wasp, "wasp==1.0\n"), ("1.1", bee, "bee==1.0\n")):
        lock = lock_of(need, wheel)
        place = package(tmp_path, version, requirements__txt=need, requirements__lock=lock)
        publish(place, channel="dev", who="ann")
    for wheel in (bee, wasp):
        os.utime(wheel, (1, 1))
    assert forget(keep=2).leftovers == ()

    found = forget(keep=1)

    assert (found.releases, found.leftovers) == (("1.0",), (wasp.name,))
    assert (bee.exists(), wasp.exists()) == (True, False)
