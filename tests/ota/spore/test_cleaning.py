"""What a home needs stays, whatever else goes; being stopped in between harms nothing."""

import json
import os

import pytest

from ota.spore import cleaning
from ota.spore.cleaning import clean, repair
from ota.spore.orders import Ready
from ota.spore.places import Places
from ota.spore.turns import taken

NOW = 2_000_000_000.0


@pytest.fixture
def places(tmp_path):
    return Places(tmp_path)


def add_release(places, seq, *, python="/usr/bin/python3", ready=True):
    name = f"stable-{seq:06d}-{seq:012d}"
    slot, sha256 = places.releases / name, f"{seq:064d}"
    (slot / "tree").mkdir(parents=True)
    (slot / "tree" / "a.py").write_text("")
    if ready:
        Ready(name, "1", "stable", seq, sha256, "0" * 64, 0, str(python), ()).write(slot)
    places.packages.mkdir(parents=True, exist_ok=True)
    (places.packages / f"{sha256}.zip").write_text("")
    return name


def add_environment(places, name, *, ready=True):
    python = places.environments / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    if ready:
        facts = {"python": str(python), "lock_sha256": "0" * 64}
        (places.environments / name / "READY").write_text(json.dumps(facts))
    return python


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_newest_and_the_kept_stay_with_all_that_is_theirs(places, tmp_path):
    slots = [add_release(places, seq) for seq in range(1, 7)]

    gone = clean(tmp_path, {slots[0]}, keep_newest=2, now=NOW)

    kept = [slots[0], *slots[4:]]
    assert names(places.releases) == kept
    assert names(places.packages) == [f"{seq:064d}.zip" for seq in (1, 5, 6)]
    assert f"ota/releases/{slots[1]}" in gone
    assert len(gone) == 6


def test_what_current_points_at_stays(places, tmp_path):
    slots = [add_release(places, seq) for seq in range(1, 4)]
    (places.root / "current").symlink_to(places.releases / slots[0] / "tree")

    clean(tmp_path, set(), keep_newest=1, now=NOW)

    assert names(places.releases) == [slots[0], slots[2]]


def test_environments_stay_as_long_as_a_release_runs_with_them(places, tmp_path):
    add_release(places, 1, python=add_environment(places, "old"))
    add_release(places, 2, python=add_environment(places, "new"))
    add_environment(places, "nobodys")

    clean(tmp_path, set(), keep_newest=1, now=NOW)

    assert names(places.environments) == ["new"]


def test_environments_stay_while_a_kept_release_does_not_say_which_is_its(places, tmp_path):
    kept = add_release(places, 1, ready=False)
    add_environment(places, "maybe")

    clean(tmp_path, {kept}, now=NOW)

    assert names(places.environments) == ["maybe"]
    assert names(places.releases) == [kept]


def test_releases_without_their_mark_count_for_nothing(places, tmp_path):
    whole = add_release(places, 1)
    add_release(places, 2, ready=False)

    clean(tmp_path, set(), keep_newest=1, now=NOW)

    assert names(places.releases) == [whole]


def test_begun_packages_stay_for_a_day(places, tmp_path):
    places.packages.mkdir(parents=True)
    for name, age in (("new", 3600), ("old", 25 * 3600)):
        part = places.packages / f"{name}.zip.part"
        part.write_text("")
        os.utime(part, (NOW - age, NOW - age))

    clean(tmp_path, set(), now=NOW)

    assert names(places.packages) == ["new.zip.part"]


def test_nothing_goes_while_a_stager_is_at_work(places, tmp_path):
    add_release(places, 1)

    with taken(places.lock):
        gone = clean(tmp_path, set(), keep_newest=0, now=NOW)

    assert gone == []
    assert names(places.releases)


def test_a_home_without_updates_has_nothing_to_clean(tmp_path):
    assert clean(tmp_path / "nothing", set(), now=NOW) == []


def test_whoever_is_stopped_in_between_leaves_no_release_that_is_half_there(
    places, tmp_path, monkeypatch
):
    slot = places.releases / add_release(places, 1)

    def stop(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", stop)
        with pytest.raises(KeyboardInterrupt):
            clean(tmp_path, set(), keep_newest=0, now=NOW)

    assert slot.exists()
    assert Ready.read(slot) is None
    repair(places, frozenset())
    assert not slot.exists()


def test_what_cannot_be_deleted_does_not_keep_the_rest(places, tmp_path, monkeypatch):
    stuck, *others = [add_release(places, seq) for seq in (1, 2, 3)]
    real = cleaning.discard

    def discard(path):
        if path.name == stuck:
            raise PermissionError(str(path))
        real(path)

    monkeypatch.setattr(cleaning, "discard", discard)

    gone = clean(tmp_path, set(), keep_newest=0, now=NOW)

    assert names(places.releases) == [stuck]
    assert {f"ota/releases/{slot}" for slot in others} <= set(gone)


def test_a_repair_leaves_what_is_whole_and_what_is_in_use(places):
    whole = add_release(places, 1)
    used = add_release(places, 2, ready=False)
    add_release(places, 3, ready=False)
    add_environment(places, "whole")
    add_environment(places, "half", ready=False)
    (places.staging / "attempt" / "tree").mkdir(parents=True)

    repair(places, frozenset({used}))

    assert names(places.releases) == [whole, used]
    assert names(places.environments) == ["whole"]
    assert names(places.staging) == []
