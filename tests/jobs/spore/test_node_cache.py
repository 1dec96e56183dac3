import hashlib
import os
import threading

from jobs.spore.node_cache import STALE_SECONDS, UNFINISHED, NodeCache


def named(n, size=100):
    data = bytes([n]) * size
    return hashlib.sha256(data).hexdigest(), data


def held(folder):
    return {path.name for path in folder.glob("??/*")}


def test_what_was_put_is_there_also_for_other_slots(tmp_path):
    name, data = named(1)
    NodeCache(tmp_path, 1000).put(name, data)

    assert NodeCache(tmp_path, 1000).get(name) == data
    assert NodeCache(tmp_path, 1000).get(named(2)[0]) is None


def test_the_least_recently_used_go_first(tmp_path):
    cache = NodeCache(tmp_path, 250)
    for n in (1, 2):
        cache.put(*named(n))
        os.utime(cache._path(named(n)[0]), (n, n))

    cache.get(named(1)[0])
    cache.put(*named(3))

    assert held(tmp_path) == {named(1)[0], named(3)[0]}


def test_a_broken_file_is_no_value_and_is_deleted(tmp_path):
    cache = NodeCache(tmp_path, 1000)
    name, data = named(1)
    cache.put(name, data)
    cache._path(name).write_bytes(data[:50])

    assert cache.get(name) is None
    assert held(tmp_path) == set()


def test_what_a_slot_that_died_left_half_goes_in_time(tmp_path):
    cache = NodeCache(tmp_path, 1000)
    cache.put(*named(1))
    folder = cache._path(named(1)[0]).parent
    for age, label in ((0, "new"), (STALE_SECONDS + 1, "old")):
        draft = folder / f"{UNFINISHED}{label}"
        draft.write_bytes(b"half")
        os.utime(draft, (draft.stat().st_mtime - age,) * 2)

    NodeCache(tmp_path, 1000).put(*named(2))

    assert f"{UNFINISHED}new" in held(tmp_path)
    assert f"{UNFINISHED}old" not in held(tmp_path)


def test_what_does_not_fit_and_a_folder_that_takes_nothing_are_no_errors(tmp_path):
    (tmp_path / "file").touch()

    NodeCache(tmp_path / "file", 1000).put(*named(1))
    NodeCache(tmp_path / "new", 10).put(*named(1))
    NodeCache(tmp_path / "none", 0).put(*named(1))

    assert NodeCache(tmp_path / "file", 1000).get(named(1)[0]) is None
    assert not (tmp_path / "new").exists()


def test_slots_may_use_it_all_at_once(tmp_path):
    wrong = []

    def slot():
        cache = NodeCache(tmp_path, 500)
        for n in [*range(12)] * 5:
            name, data = named(n)
            found = cache.get(name)
            if found is None:
                cache.put(name, data)
            elif found != data:
                wrong.append(n)

    slots = [threading.Thread(target=slot) for _ in range(4)]
    for each in slots:
        each.start()
    for each in slots:
        each.join()

    assert wrong == []
    assert not [name for name in held(tmp_path) if name.startswith(UNFINISHED)]
