import json

import pytest

from hive_site.commands.checkups import machine, redis
from hive_site.kernel.secrets import keep_secret
from hive_site.stack.redis_server import free_port


def test_an_old_python_is_bad():
    assert machine.check_python((3, 10, 9)).verdict == "bad"
    assert machine.check_python((3, 11, 0)).verdict == "ok"


def test_packages_are_those_that_were_tested():
    text = (
        "rq==3.0.0\npsycopg[binary,pool]==3.3.9 # why\nnone==1; python_version < '3'\n-r more.txt"
    )

    assert machine.read_pins(text) == {"rq": "3.0.0", "psycopg": "3.3.9"}


def test_each_package_that_differs_is_told(monkeypatch):
    monkeypatch.setattr(machine, "version", {"rq": "3.0.0", "redis": "1.0"}.__getitem__)
    monkeypatch.setattr(machine, "PackageNotFoundError", KeyError)

    pins = {"rq": "3.0.0", "redis": "8.1.0", "tuf": "7.0.1"}
    found = {each.name: each for each in machine.check_packages(pins)}

    assert {name: each.verdict for name, each in found.items()} == {"redis": "warn", "tuf": "bad"}
    assert "8.1.0" in found["redis"].mend
    assert [each.name for each in machine.check_packages({"rq": "3.0.0"})] == ["Packages"]


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


@pytest.mark.parametrize(("soft", "verdict"), [(256, "warn"), (1024, "ok"), (-1, "ok")])
def test_a_process_needs_many_files_and_sockets(soft, verdict):
    assert machine.check_descriptors(soft).verdict == verdict


def test_a_redis_that_is_away_is_one_bad_finding_without_its_password():
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"
    findings = list(redis.check_redis(url, own=False))

    assert [f.verdict for f in findings] == ["bad"]
    assert "hush" not in findings[0].found


@pytest.mark.parametrize(
    ("version", "verdict"),
    [("6.0.16", "bad"), ("6.2.14", "ok"), ("7.4.0", "ok"), ("10.0", "ok"), ("", "bad")],
)
def test_redis_must_be_new_enough(version, verdict):
    assert redis.check_version({"redis_version": version}).verdict == verdict


def test_a_valkey_is_called_by_its_name():
    finding = redis.check_version({"redis_version": "7.2.4", "valkey_version": "8.1.0"})

    assert (finding.verdict, finding.found) == ("ok", "Valkey 8.1.0, which speaks as Redis 7.2.4")


@pytest.mark.parametrize(
    ("server", "verdict"),
    [
        ({"role": "master", "redis_mode": "standalone"}, "ok"),
        ({"role": "slave", "redis_mode": "standalone"}, "bad"),
        ({"role": "master", "redis_mode": "cluster"}, "bad"),
    ],
)
def test_redis_must_take_writes_and_be_whole(server, verdict):
    assert redis.check_role(server).verdict == verdict


@pytest.mark.parametrize(
    ("used", "limit", "own", "verdict"),
    [
        *((10, 100, False, "ok"), (80, 100, False, "warn"), (96, 100, False, "bad")),
        # Without a limit the machine's memory is one, and the system enforces it.
        *((10, 0, False, "warn"), (10, 0, True, "ok"), (800, 0, True, "warn")),
        (960, 0, True, "bad"),
    ],
)
def test_a_redis_that_fills_up_is_noticed_before_it_is_full(used, limit, own, verdict):
    server = {"used_memory": used, "maxmemory": limit, "total_system_memory": 1000}

    assert redis.check_memory(server, own=own).verdict == verdict


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("redis://127.0.0.1:6379/0", "warn"),
        ("redis://10.0.0.7:6379/0", "bad"),
        ("redis://:hush@10.0.0.7:6379/0", "ok"),
        ("redis://10.0.0.7:6379/0?password=hush", "ok"),
        ("redis://:hush@8.8.8.8:6379/0", "bad"),
        ("rediss://:hush@8.8.8.8:6379/0", "ok"),
        ("rediss://8.8.8.8:6379/0", "bad"),
        ("unix:///run/redis.sock", "ok"),
    ],
)
def test_others_must_neither_ask_redis_nor_listen(url, verdict):
    finding = redis.check_way(url)

    assert finding.verdict == verdict
    assert "hush" not in finding.found + finding.mend


@pytest.mark.parametrize(
    ("server", "fsync", "verdict"),
    [
        ({"aof_enabled": 1}, "everysec", "ok"),
        ({"aof_enabled": 1}, "", "ok"),
        ({"aof_enabled": 1}, "no", "warn"),
        ({"aof_enabled": 0}, "everysec", "warn"),
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, "everysec", "bad"),
    ],
)
def test_redis_must_remember_over_a_restart(server, fsync, verdict):
    assert redis.check_append_only(server, fsync).verdict == verdict


@pytest.mark.processes
def test_a_real_redis_of_ours_is_fine_but_for_a_foreman(real_broker):
    found = {each.name: each.verdict for each in redis.check_redis(real_broker.url, own=True)}

    assert found.pop("Foreman") == "warn"
    assert set(found.values()) == {"ok"}
    assert {"Redis rights", "Redis role", "Redis memory", "Redis access"} <= found.keys()


@pytest.mark.processes
def test_a_user_without_rights_is_told_which_it_lacks(real_broker):
    rules = ("reset", "on", ">hush", "~*", "&*", "+@all", "-eval", "-publish")
    real_broker.open().execute_command("ACL", "SETUSER", "poor", *rules)
    where = real_broker.url.rpartition("@")[2]
    try:
        found = {
            each.name: each for each in redis.check_redis(f"redis://poor:hush@{where}", own=True)
        }
    finally:
        real_broker.open().execute_command("ACL", "DELUSER", "poor")

    assert found["Redis rights"].verdict == "bad"
    assert found["Redis rights"].found == "may not: EVAL return 1, PUBLISH hive:doctor"


@pytest.mark.processes
def test_a_node_asks_only_for_what_a_node_may_ask(real_broker):
    rules = ("reset", "on", ">hush", "+time", "+client")
    real_broker.open().execute_command("ACL", "SETUSER", "node", *rules)
    where = real_broker.url.rpartition("@")[2]
    try:
        found = list(redis.check_redis(f"redis://node:hush@{where}", own=False, node=True))
    finally:
        real_broker.open().execute_command("ACL", "DELUSER", "node")

    assert {each.verdict for each in found} == {"ok"}


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


@pytest.mark.processes
@pytest.mark.parametrize(("node", "way_out"), [(True, "it was revoked"), (False, "set REDIS_URL")])
def test_a_refused_password_is_told_from_a_redis_that_is_away(real_broker, node, way_out):
    where = real_broker.url.rpartition("@")[2]

    [found] = redis.check_redis(f"redis://:wrong@{where}", own=False, node=node)

    assert (found.name, found.verdict) == ("Redis", "bad")
    assert way_out in found.mend
