"""Real stager processes: what they say, how they end, and what those after a kill find."""

import contextlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
from pathlib import Path
from random import Random
from threading import Event

import pytest

from hive_site.kernel.crash import EXIT_CODE, POINTS
from ota.archive import Source
from ota.domain.manifest import PATH as MANIFEST
from ota.domain.manifest import Manifest
from ota.spore.failures import Failed
from ota.spore.orders import Ready
from ota.spore.trees import is_whole
from ota.spore.turns import taken
from ota.unpacking import verify
from tests.ota.spore import cast

pytestmark = pytest.mark.processes
WHEELS = cast.make_wheel("bee"), cast.make_wheel("wax", "2.1")


@pytest.fixture
def scene(desk, tmp_path):
    return cast.make_scene(desk, tmp_path / "home")


@pytest.fixture
def locked(desk, tmp_path):
    """A release that needs an environment of its own."""
    desk.files["wheels"].update(dict(WHEELS))
    lock = cast.lock_of(*WHEELS)
    return cast.make_scene(desk, tmp_path / "home", requirements="1" * 64, lock=lock)


def assert_ready(scene, lines):
    done = lines[-1]["done"]
    tree = Path(done.pop("tree"))
    assert done == json.loads((scene.slot / "READY").read_bytes())
    assert tree == scene.slot / "tree"
    verify(tree, Manifest.read((tree / MANIFEST).read_bytes()))
    assert not list(scene.places.staging.iterdir())


def test_a_stager_says_its_steps_and_ends_well(scene):
    code, lines = scene.run()

    assert code == 0
    assert [line["step"] for line in lines[:-1] if line["fraction"] == 1] == [
        "check",
        "fetch",
        "unpack",
        "deps",
        "ready",
    ]
    assert_ready(scene, lines)


def test_a_stager_that_fails_says_why(scene):
    scene.desk.metadata["signed"] = {}

    code, lines = scene.run()

    assert code == 1
    assert lines[-1]["failed"] == {
        "code": "unknown_target",
        "reason": scene.path,
        "permanent": False,
    }


@pytest.mark.parametrize(
    "harm",
    [
        lambda body: body.pop("home"),
        lambda body: body["release"].update(sha256="../../etc"),
        lambda body: body["release"].update(channel="../evil"),
        lambda body: body["release"].update(seq=-1),
        lambda body: body["release"].update(path=7),
        lambda body: body["release"].update(version=None),
        lambda body: body["release"].pop("size"),
        lambda body: body.update(floor=[]),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(scene, harm):
    body = json.loads(scene.request())
    harm(body)

    code, lines = scene.run(request=json.dumps(body))

    assert code == 1
    assert lines[-1]["failed"]["code"] == "malformed"
    assert not scene.places.root.exists()


def test_a_node_without_its_key_is_told_what_to_give(scene):
    code, lines = scene.run(env={"HIVE_NODE_KEY": "honey"})

    assert code == 1
    assert "HIVE_NODE_KEY" in lines[-1]["failed"]["reason"]


def test_the_key_may_lie_in_a_file(scene, tmp_path):
    (tmp_path / "node.key").write_text(f"{cast.KEY.hex()}\n")

    code, _ = scene.run(env={"HIVE_NODE_KEY": "", "HIVE_NODE_KEY_FILE": str(tmp_path / "node.key")})

    assert code == 0


def test_a_second_stager_of_a_home_does_nothing(scene):
    with taken(scene.places.lock):
        code, lines = scene.run()

    assert code == 1
    assert lines[-1]["failed"]["code"] == "busy"


@pytest.mark.parametrize("point", sorted(p for p in POINTS if p.startswith("stager.")))
def test_killed_at_any_point_the_next_one_gets_there(locked, point):
    code, lines = locked.run(env={"HIVE_CRASH_AT": point})

    assert code == EXIT_CODE
    assert "done" not in lines[-1]
    assert (Ready.read(locked.slot) is None) == (point != "stager.ready")

    code, lines = locked.run()

    assert code == 0
    assert_ready(locked, lines)
    assert locked.desk.times("packages") == 1


@pytest.mark.chaos
def test_killed_at_any_moment_whatever_it_is_the_next_one_gets_there(locked):
    luck, ends = Random(7), []

    for _ in range(40):
        child = locked.start()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(luck.uniform(0.05, 1.2))
        child.kill()
        ends.append(child.wait())
        child.stdout.close()
        ready = Ready.read(locked.slot)
        if ready:
            assert is_whole(locked.slot / "tree", ready.manifest_sha256)
            # Once more from the start.
            shutil.rmtree(locked.places.root)

    code, lines = locked.run()
    assert -9 in ends
    assert code == 0
    assert_ready(locked, lines)


def test_a_fault_of_its_own_is_told_too(scene):
    scene.desk.metadata["signed"] = 7

    code, lines = scene.run(stderr=subprocess.DEVNULL)

    assert code == 1
    assert lines[-1]["failed"]["code"] == "internal"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_ended_in_the_middle_of_a_download_it_ends_at_once_and_is_gone_on_with(scene, signum):
    reached, done = Event(), Event()

    def stall(answer, kind, name):
        answer.send_body(scene.package[:300], etag=f'"{name}"', length=len(scene.package))
        reached.set()
        done.wait(30)
        answer.close_connection = True

    scene.desk.faults["packages"] = [stall]
    child = scene.start()
    assert reached.wait(30)
    part = scene.places.packages / f"{scene.sha256}.zip.part"
    while not part.exists():
        assert child.poll() is None

    child.send_signal(signum)

    assert child.wait(5) in (143, -9)
    done.set()
    assert not scene.places.releases.exists()
    code, lines = scene.run()
    assert code == 0
    assert_ready(scene, lines)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_no_tool_outlives_the_stager_that_started_it(locked, tmp_path, signum):
    fifo, tools = tmp_path / "fifo", tmp_path / "bin"
    os.mkfifo(fifo)
    tools.mkdir()
    # It holds the pipe open for as long as it lives.
    hung = f"#!/bin/sh\n[ $1 = --version ] && exit 0\nexec 5> {fifo}\necho >&5\nexec sleep 600\n"
    (tools / "uv").write_text(hung)
    (tools / "uv").chmod(0o755)
    child = locked.start(env={"PATH": f"{tools}:/usr/bin:/bin"})
    with fifo.open("rb", buffering=0) as pipe:
        assert pipe.read(1) == b"\n"

        child.send_signal(signum)

        assert child.wait(5) in (143, -9)
        assert select.select([pipe], [], [], 5)[0]
        assert pipe.read(1) == b""


def test_a_stager_gives_up_in_time_whatever_it_waits_for(scene):
    done = Event()
    scene.desk.faults["metadata"] = [lambda *_: done.wait(30)]

    code, lines = scene.run(request=scene.request(deadline=1))

    done.set()
    assert code == 1
    assert lines[-1]["failed"]["code"] == "deadline"


def test_a_disk_that_takes_no_more_is_named_and_the_next_one_gets_there(scene):
    cap = len(scene.package) - 1

    code, lines = scene.run(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (cap, cap))
    )

    assert code == 1
    assert lines[-1]["failed"]["code"] == "disk"
    assert not lines[-1]["failed"]["permanent"]
    assert not list(scene.places.releases.glob("*/READY"))
    code, lines = scene.run()
    assert code == 0
    assert_ready(scene, lines)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with 64 KiB; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full_at_whatever_step_marks_nothing(desk, small_disk):
    files = {f"app/part{n}.py": Source(Random(n).randbytes(3000)) for n in range(4)}
    scene = cast.make_scene(desk, small_disk / "home", tree=files)
    rubbish, stopped_at, marked, done = small_disk / "rubbish", set(), [], None

    for room in range(0, 64 * 1024, 4096):
        rubbish.unlink(missing_ok=True)
        shutil.rmtree(scene.places.root, ignore_errors=True)
        (scene.places.root).mkdir()
        rubbish.write_bytes(b"x" * (shutil.disk_usage(small_disk).free - room))
        steps = []
        try:
            with taken(scene.places.lock):
                done = scene.stage(steps=steps)
        except OSError as fact:
            stopped_at.add((steps[-1][0] if steps else "lock", Failed.of_disk(fact).code))
            marked += scene.places.releases.glob("*/READY")
        else:
            break

    assert done
    assert not marked
    assert {("check", "disk"), ("fetch", "disk"), ("unpack", "disk")} <= stopped_at


def test_a_disk_that_is_read_only_is_named(desk, small_disk):
    scene = cast.make_scene(desk, small_disk / "home")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    code, lines = scene.run()

    assert code == 1
    assert lines[-1]["failed"]["code"] == "disk"
    assert "let it be written to" in lines[-1]["failed"]["reason"]


def test_a_home_without_room_is_told_by_how_much(desk, small_disk):
    scene = cast.make_scene(desk, small_disk / "home")

    code, lines = scene.run()

    assert code == 1
    assert lines[-1]["failed"]["code"] == "disk"
    assert "MiB are needed" in lines[-1]["failed"]["reason"]
