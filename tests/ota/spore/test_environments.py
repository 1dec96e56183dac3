"""The Python of a release has exactly what its lock names, and is made once."""

import json
import os
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from ota.spore import environments as environments_module
from ota.spore.environments import Lock, Workshop, find_environment
from ota.spore.failures import Failed
from ota.spore.fetching import Fetcher
from ota.spore.interpreters import Interpreter
from ota.spore.places import Places
from tests.ota.spore import cast
from tests.ota.spore.desk import Clock, cut_after, flip_a_byte, refuse

BEE, WAX = cast.make_wheel("bee"), cast.make_wheel("wax", "2.1")
ME = Interpreter.of(sys.executable)
HUNG = "#!/bin/sh\n[ $1 = --version ] && exit 0\nsleep 600 & echo $! > {}; wait\n"


@pytest.fixture
def workshop(desk, tmp_path):
    desk.files["wheels"].update(dict([BEE, WAX]))
    env = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    places = Places(tmp_path / "home")
    return Workshop(places, desk.client(), Fetcher(Clock().pace(Random(0))), lambda: 300.0, env)


@pytest.fixture
def lock(tmp_path):
    return write_lock(tmp_path, cast.lock_of(BEE, WAX))


def write_lock(folder, text):
    path = folder / "requirements.lock"
    path.write_text(text)
    return Lock(path, cast.hashlib.sha256(text.encode()).hexdigest())


def find(lock, workshop, base=ME):
    return find_environment(lock, base, workshop, lambda fraction: None)


def run(python, code):
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def put_on_path(workshop, folder, text):
    """A workshop whose uv is a script."""
    folder.mkdir()
    (folder / "uv").write_text(text)
    (folder / "uv").chmod(0o755)
    return replace(workshop, env={"PATH": f"{folder}:/usr/bin:/bin"})


def environments(workshop):
    folder = workshop.places.environments
    return sorted(p.parent.name for p in folder.glob("*/READY")) if folder.is_dir() else []


def test_an_environment_has_what_the_lock_names_and_nothing_else(workshop, lock):
    python = find(lock, workshop)

    assert python.startswith(f"{workshop.places.environments}/{lock.sha256[:16]}-{ME.abi}/")
    assert run(python, "import bee, wax; print(bee.BUZZ, wax.BUZZ)") == "1 1"
    assert run(python, "import importlib.util as u; print(u.find_spec('django'))") == "None"
    assert list(workshop.places.environments.rglob("bee*.pyc"))
    assert not list(workshop.places.wheels.iterdir())
    assert not list(workshop.places.staging.iterdir())


def test_an_environment_that_is_there_is_found_without_a_program_or_a_question(
    workshop, lock, desk, monkeypatch
):
    python = find(lock, workshop)
    asked, ran = len(desk.asked), []
    monkeypatch.setattr("ota.spore.environments.run", lambda *words, **more: ran.append(words))

    again = find(lock, workshop)

    assert (again, ran, len(desk.asked)) == (python, [], asked)


def test_an_environment_without_its_mark_is_made_anew(workshop, lock):
    folder = Path(find(lock, workshop)).parent.parent
    (folder / "READY").unlink()
    (folder / "rubbish").write_text("")

    find(lock, workshop)

    assert not (folder / "rubbish").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(workshop, lock):
    python = Path(find(lock, workshop))
    python.unlink()

    assert run(find(lock, workshop), "import bee; print(bee.BUZZ)") == "1"


def test_files_are_no_links_into_a_cache(workshop, lock):
    find(lock, workshop)

    (found,) = workshop.places.environments.rglob("bee.py")
    assert found.stat().st_nlink == 1


def test_a_wheel_that_is_not_in_the_lock_is_not_taken(workshop, tmp_path):
    other = cast.make_wheel("bee", code="evil = 1\n")
    lock = write_lock(tmp_path, cast.lock_of(other))

    with pytest.raises(Failed, match=r"no wheel of bee==1\.0") as fact:
        find(lock, workshop)

    assert (fact.value.code, fact.value.permanent) == ("deps", False)
    assert environments(workshop) == []


def test_a_wheel_that_comes_with_another_hash_than_the_nexus_says_is_not_taken(
    workshop, lock, desk
):
    listed = lambda answer, *_: answer.tell(200, {"wheels": answer.listing()})  # noqa: E731
    desk.faults["wheels"] = [listed, flip_a_byte]

    with pytest.raises(Failed, match="SHA-256") as fact:
        find(lock, workshop)

    assert fact.value.code == "deps"
    assert environments(workshop) == []


def test_a_wheel_that_is_cut_is_fetched_again(workshop, lock, desk):
    listed = lambda answer, *_: answer.tell(200, {"wheels": answer.listing()})  # noqa: E731
    desk.faults["wheels"] = [listed, cut_after(10)]

    assert find(lock, workshop)


def test_a_wheel_that_the_nexus_lacks(workshop, lock, desk):
    del desk.files["wheels"][WAX[0]]

    with pytest.raises(Failed, match=r"no wheel of wax==2\.1"):
        find(lock, workshop)


@pytest.mark.parametrize(
    "fault",
    [
        refuse(404),
        refuse(503),
        lambda answer, *_: answer.tell(200, {"wheels": [{}]}),
        lambda answer, *_: answer.tell(200, {"wheels": 3}),
    ],
)
def test_a_nexus_that_does_not_say_what_it_has(workshop, lock, desk, fault):
    desk.faults["wheels"] = [fault]

    with pytest.raises(Failed, match="does not say which wheels") as fact:
        find(lock, workshop)

    assert fact.value.code == "deps"


def test_wheels_for_other_machines_are_left_alone(workshop, lock, desk):
    for_others = cast.make_wheel("bee", tag="cp27-none-win32")
    desk.files["wheels"][for_others[0]] = for_others[1]
    text = lock.path.read_text()
    other = cast.hashlib.sha256(for_others[1]).hexdigest()
    lock = write_lock(
        lock.path.parent, text.replace("bee==1.0 ", f"bee==1.0 --hash=sha256:{other} ")
    )

    find(lock, workshop)

    assert not any(for_others[0] in path for path, _ in desk.asked)


@pytest.mark.parametrize(
    "name", ["bee-1.0-py3-none-any.x/../../../evil.whl", "../bee-1.0-py3-none-any.whl", "bee.whl"]
)
def test_a_wheel_whose_name_leads_elsewhere_is_not_fetched(workshop, lock, desk, name):
    (sha256,) = [row for row in lock.path.read_text().split() if row.startswith("--hash")][:1]
    offered = {"name": name, "sha256": sha256.partition("sha256:")[2]}
    desk.faults["wheels"] = [lambda answer, *_: answer.tell(200, {"wheels": [offered]})]

    with pytest.raises(Failed, match=r"no wheel of bee==1\.0"):
        find(lock, workshop)

    assert len(desk.asked) == 1


def test_lines_for_other_machines_are_left_out(workshop, lock):
    text = f'snow==1.0 ; sys_platform == "win32" --hash=sha256:{"0" * 64}\n'
    lock = write_lock(lock.path.parent, lock.path.read_text() + text)

    assert run(find(lock, workshop), "import wax; print(wax.BUZZ)") == "1"


@pytest.mark.parametrize("line", ["bee==1.0", "--index-url https://evil/", "-r more.txt"])
def test_a_lock_that_locks_nothing_is_none(workshop, tmp_path, line):
    with pytest.raises(Failed, match="the lock cannot be read") as fact:
        find(write_lock(tmp_path, f"{line}\n"), workshop)

    assert (fact.value.code, fact.value.permanent) == ("deps", True)


@pytest.mark.parametrize("with_uv", [True, False])
def test_tools_do_not_read_the_lock_in_a_way_of_their_own(
    workshop, lock, tmp_path, monkeypatch, with_uv
):
    # Whatever would be overlooked here must not be seen by them.
    name, data = cast.make_wheel("wasp")
    (tmp_path / name).write_bytes(data)
    sha256 = cast.hashlib.sha256(data).hexdigest()
    hidden = f"wasp @ file://{tmp_path / name} --hash=sha256:{sha256}\n"
    text = lock.path.read_text()
    read = environments_module.pins_for_here
    monkeypatch.setattr(environments_module, "pins_for_here", lambda _: read(text))
    if not with_uv:
        workshop = put_on_path(workshop, tmp_path / "bin", "#!/bin/sh\nexit 126\n")

    python = find(write_lock(tmp_path, text + hidden), workshop)

    assert run(python, "import importlib.util as u; print(u.find_spec('wasp'))") == "None"


def test_a_tool_that_hangs_is_killed_with_everything_that_it_started(workshop, lock, tmp_path):
    pid_file = tmp_path / "pid"
    hung = put_on_path(workshop, tmp_path / "bin", HUNG.format(pid_file))

    with pytest.raises(Failed, match="uv was not done after 5 s") as fact:
        find(lock, replace(hung, left=lambda: 5.0))

    assert fact.value.code == "deps"
    assert environments(workshop) == []
    assert has_ended(int(pid_file.read_text()))


def has_ended(pid):
    """Whether a process that was killed is gone, once it had the time to be."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([process], [], [], 5)
    os.close(process)
    return bool(ended)


def test_a_tool_that_fails_is_quoted(workshop, lock, tmp_path):
    broken = put_on_path(
        workshop, tmp_path / "bin", "#!/bin/sh\n[ $1 = --version ] || { echo no bees; exit 3; }\n"
    )

    with pytest.raises(Failed, match="uv ended with 3: no bees"):
        find(lock, broken)


def test_where_uv_does_not_run_pip_does(workshop, lock, tmp_path):
    broken = put_on_path(workshop, tmp_path / "bin", "#!/bin/sh\nexit 126\n")

    python = find(lock, broken)

    assert run(python, "import bee, wax; print(bee.BUZZ, wax.BUZZ)") == "1 1"
    assert run(python, "import importlib.util as u; print(u.find_spec('pip'))") == "None"


def test_a_release_that_needs_nothing_else_takes_the_python_that_is_there(desk, tmp_path):
    scene = cast.make_scene(desk, tmp_path / "home", lock=cast.lock_of(BEE))

    ready, _ = scene.stage()

    assert ready.python == sys.executable
    assert not scene.places.environments.exists()


def test_a_release_with_other_needs_runs_with_an_environment_of_its_own(desk, tmp_path):
    desk.files["wheels"].update(dict([BEE]))
    lock = cast.lock_of(BEE)
    scene = cast.make_scene(desk, tmp_path / "home", requirements="1" * 64, lock=lock)

    ready, _ = scene.stage()

    assert Path(ready.python).is_relative_to(scene.places.environments)
    assert run(ready.python, "import bee; print(bee.BUZZ)") == "1"


def test_a_lock_that_is_not_the_signed_one_is_refused(desk, tmp_path):
    scene = cast.make_scene(
        desk, tmp_path / "home", requirements="1" * 64, lock="", lock_sha256="2" * 64
    )

    with pytest.raises(Failed, match=r"requirements\.lock: SHA-256") as fact:
        scene.stage()

    assert fact.value.code == "unpack"


def test_a_python_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(Failed, match="is no Python") as fact:
        Interpreter.of(str(tmp_path / "python"))

    assert fact.value.code == "python"


def test_another_python_is_asked_what_it_is(tmp_path):
    link = tmp_path / "python"
    link.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    link.chmod(0o755)

    assert Interpreter.of(str(link)) == replace(ME, path=str(link))


def test_an_environment_says_what_it_was_made_of(workshop, lock):
    folder = Path(find(lock, workshop)).parent.parent

    facts = json.loads((folder / "READY").read_bytes())

    assert facts["lock_sha256"] == lock.sha256
    assert os.access(facts["python"], os.X_OK)
