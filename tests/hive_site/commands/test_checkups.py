import json
import socket

import pytest

from hive_site.commands.checkups import machine, redis
from hive_site.kernel.secrets import keep_secret
from hive_site.stack.redis_server import free_port


def test_an_old_python_is_bad():
    assert machine.check_python((3, 10, 9)).verdict == "bad"
    assert machine.check_python((3, 11, 0)).verdict == "ok"


def test_a_package_that_differs_from_what_was_tested_is_a_warning(monkeypatch):
    monkeypatch.setattr(machine, "version", lambda name: "1.0")

    finding = machine.check_package("rq")

    assert finding.verdict == "warn"
    assert machine.pinned("rq") in finding.mend


def test_secrets_that_others_can_read_are_bad_and_named(tmp_path):
    keep_secret(tmp_path / "secrets" / "fleet_key")
    assert machine.check_secrets(tmp_path).verdict == "ok"
    (tmp_path / "secrets" / "fleet_key").chmod(0o640)

    finding = machine.check_secrets(tmp_path)

    assert finding.verdict == "bad"
    assert finding.mend == f"chmod 600 {tmp_path / 'secrets' / 'fleet_key'}"


@pytest.mark.parametrize(("free", "verdict"), [(0, "bad"), (2**30, "warn"), (2**40, "ok")])
def test_a_full_disk_is_noticed_before_it_is_full(tmp_path, free, verdict):
    assert machine.check_disk(tmp_path, free=free).verdict == verdict


def test_room_is_measured_where_the_directory_will_be(tmp_path):
    assert machine.free_bytes(tmp_path / "not" / "made" / "yet") > 0


def test_a_free_port_is_fine_and_a_strangers_is_a_warning():
    assert machine.check_port(f"http://127.0.0.1:{free_port()}").verdict == "ok"

    with socket.create_server(("127.0.0.1", 0)) as other:
        finding = machine.check_port(f"http://127.0.0.1:{other.getsockname()[1]}")

    assert finding.verdict == "warn"


def test_a_redis_that_is_away_is_one_bad_finding_without_its_password():
    findings = list(redis.check_redis(f"redis://:hush@127.0.0.1:{free_port()}/0"))

    assert [f.verdict for f in findings] == ["bad"]
    assert "hush" not in findings[0].found


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("6.0.16", "bad"), ("6.2.14", "ok"), ("7.4.0", "ok"), ("10.0", "ok"), ("", "bad")],
)
def test_redis_must_be_new_enough(version, verdict):
    assert redis.check_version(version).verdict == verdict


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", None])
def test_any_policy_that_drops_work_is_bad(policy):
    assert redis.check_policy(policy).verdict == "bad"
    assert redis.check_policy("noeviction").verdict == "ok"


def test_a_clock_that_is_off_is_a_warning_in_both_directions():
    assert redis.check_clock(redis=100.0, here=100.4).verdict == "ok"
    assert redis.check_clock(redis=100.0, here=98.0).verdict == "warn"
    assert redis.check_clock(redis=100.0, here=102.0).verdict == "warn"


def test_an_old_picture_says_that_no_foreman_leads():
    picture = json.dumps({"at": 100.0, "nodes_online": 3}).encode()

    assert redis.check_picture(picture, now=101.0).verdict == "ok"
    assert redis.check_picture(picture, now=110.0).verdict == "warn"
    assert redis.check_picture(None, now=101.0).verdict == "warn"
