import json
import os
import signal
import socket
import subprocess
import sys
from itertools import repeat

import pytest
import redis

from hive_site.configuration import PROJECT
from hive_site.kernel.errors import HiveError, Invalid
from hive_site.stack.processes import Interrupted
from tests.hive_site.stack.cast import all_pids, stage, survivors

pytestmark = pytest.mark.processes


@pytest.fixture
def stack(tmp_path):
    with stage(tmp_path) as running:
        yield running


def deaths_of(stack, *, restart=False):
    """The first deaths that the stack notices, and whom it revives after them."""
    deaths, revived = [], []
    for _ in repeat(None):
        new_deaths, new_revived = stack.mind(restart=restart)
        deaths, revived = deaths + new_deaths, revived + new_revived
        if revived or (deaths and not restart):
            return deaths, revived


def test_a_stack_is_ready_once_the_site_answers_and_every_spore_is_online(stack, tmp_path):
    ready = stack.ready

    assert set(ready) == {"nexus", "api_key", "redis_url", "database_url", "login_url", "pids"}
    assert set(ready["pids"]) == {"redis", "nexus", "foreman", "spores"}
    assert set(ready["pids"]["spores"]) == {"spore-1", "spore-2"}
    assert ready["database_url"] == f"sqlite:///{tmp_path}/hive.sqlite3"
    assert redis.Redis.from_url(ready["redis_url"]).ping()


def test_the_end_comes_to_work_before_it_comes_to_those_who_record_it(tmp_path):
    stack = stage(tmp_path)
    pids = all_pids(stack.start())

    stack.stop()

    assert (tmp_path / "diary").read_text().split() == ["spore", "spore", "foreman", "nexus"]
    assert survivors(pids, patience=0) == []
    assert not (tmp_path / "run" / "redis_url").exists()


def test_what_redis_knew_is_there_after_a_new_start(tmp_path):
    with stage(tmp_path) as first:
        redis.Redis.from_url(first.ready["redis_url"]).set("kept", "honey")

    with stage(tmp_path) as second:
        assert redis.Redis.from_url(second.ready["redis_url"]).get("kept") == b"honey"


def test_the_picture_of_an_earlier_run_does_not_count_as_ready(tmp_path):
    with stage(tmp_path):
        pass
    stack = stage(tmp_path, sick="spore-1")

    with pytest.raises(HiveError, match="spore-1 ended with exit code 1"):
        stack.start()


def test_a_taken_port_is_said_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(Invalid, match=f"cannot listen on 127.0.0.1:{port}"):
            stage(tmp_path, port=port).start()

    assert not (tmp_path / "logs").exists()


def test_two_stacks_never_share_a_directory(stack, tmp_path):
    with pytest.raises(Invalid, match=rf"another Hive \(pid {os.getpid()}\)"):
        stage(tmp_path).start()

    assert stack.mind() == ([], [])


def test_a_part_that_dies_at_its_start_is_named_with_its_last_words(tmp_path):
    stack = stage(tmp_path, sick="foreman")

    with pytest.raises(HiveError, match=r"(?s)foreman ended with exit code 1.*the moon"):
        stack.start()

    assert (tmp_path / "run" / "redis_url").exists() is False
    with stage(tmp_path):
        pass  # nobody holds the directory


def test_a_failed_preparation_is_said_and_nothing_runs(tmp_path):
    stack = stage(tmp_path, sick="prepare")

    with pytest.raises(HiveError, match="prepare failed: the moon is in the wrong house"):
        stack.start()

    assert not (tmp_path / "logs" / "nexus.log").exists()


def test_a_start_can_be_interrupted(tmp_path):
    stack = stage(tmp_path)
    stack.interrupt.set()

    with pytest.raises(Interrupted):
        stack.start()


def test_a_killed_spore_stays_dead_and_is_mourned_once(stack):
    pid = stack.ready["pids"]["spores"]["spore-1"]
    os.kill(pid, signal.SIGKILL)

    deaths, revived = deaths_of(stack)

    assert [(d.name, d.end) for d in deaths] == [("spore-1", "SIGKILL")]
    assert revived == []
    assert stack.mind() == ([], [])
    assert stack.ready["pids"]["spores"]["spore-1"] == pid


def test_a_killed_spore_comes_back_if_restarts_are_wanted(stack):
    pid = stack.ready["pids"]["spores"]["spore-1"]
    os.kill(pid, signal.SIGKILL)

    _, revived = deaths_of(stack, restart=True)

    assert revived == ["spore-1"]
    assert stack.ready["pids"]["spores"]["spore-1"] != pid


def test_an_own_redis_comes_back_at_the_same_address_with_its_memory(stack):
    client = redis.Redis.from_url(stack.ready["redis_url"])
    client.set("kept", "honey")
    os.kill(stack.ready["pids"]["redis"], signal.SIGKILL)

    deaths_of(stack, restart=True)

    retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 100)
    patient = redis.Redis.from_url(stack.ready["redis_url"], retry=retry)
    assert patient.get("kept") == b"honey"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a death")
def test_killing_the_parent_takes_every_child_along_and_frees_the_directory(tmp_path):
    script = [sys.executable, "-m", "tests.hive_site.stack.lonely_parent", str(tmp_path)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as parent:
        pids = all_pids(json.loads(parent.stdout.readline()))
        parent.kill()

    assert survivors(pids) == []
    with stage(tmp_path):
        pass
