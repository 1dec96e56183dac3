"""Machines join under ACL and TLS by the printed line alone, work, are updated, and revoked."""

import time

import pytest
import urllib3
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from hive_site.kernel.redis import AWAY, connect
from hive_site.kernel.signed_requests import authorization
from hive_site.kernel.tls import trusting
from jobs.client import Hive
from nodes import wire
from tests.end_to_end.colony import until
from tests.end_to_end.far_site import FarSite, mode_of
from tests.end_to_end.marks import Marks

pytestmark = pytest.mark.processes

NAMES = ("far-1", "far-2")
WISH = ("--channels", "dev", "--label", "site=far")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = FarSite(tmp_path_factory.mktemp("far"))
    try:
        yield site
        assert site.ask("hive", "check")["violations"] == []
    finally:
        site.stop()


@pytest.fixture(scope="module")
def hive(site, homes):
    """The client, which trusts the authority as programs on Linux do."""
    secret = site.ask("hive", "key", "tests", "--scopes", "submit,read,control")["key"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(site.authority.ca_file))
        yield Hive(site.nexus, secret)


@pytest.fixture(scope="module")
def homes(site):
    """Two machines that joined, each in a directory of its own, and run."""
    homes = {name: site.folder / f"machine-{name}" / "var" / "spore" for name in NAMES}
    lines = [site.invite("--name", name, *WISH) for name in NAMES]
    site.lines = dict(zip(NAMES, lines, strict=True))
    places = [home.parent.parent for home in homes.values()]
    ran = until(lambda: _joined(site, lines[0], places[0]), what="a Nexus that lets it in")
    assert f"rqworker --home {homes[NAMES[0]]}" in ran.stdout
    site.start_spore(NAMES[0], homes[NAMES[0]])
    site.join_and_start(NAMES[1], lines[1], at=places[1])
    until(
        lambda: [n["state"] for n in site.nodes().values()] == ["online"] * len(NAMES),
        what="both machines at work",
    )
    return homes


def _joined(site, line, place):
    ran = site.run_there(line, at=place)
    assert not ran.stderr or (ran.returncode == 1 and "no Nexus at" in ran.stderr), ran.stderr
    return ran if ran.returncode == 0 else None


def _as_node(site, home):
    return site.open_redis(site.credentials(home)["REDIS_URL"])


def test_the_printed_line_alone_makes_a_machine_a_node_that_works(site, hive, homes):
    found = list(hive.map("demo.whoami", range(8)))

    assert {each["node"] for each in found} <= set(NAMES)
    assert {name: node["labels"] for name, node in site.nodes().items()} == {
        name: {"site": "far"} for name in NAMES
    }


def test_nobody_enters_redis_without_knowing_whose_it_is(site, homes, monkeypatch):
    if not site.tls:
        pytest.skip("this Redis was built without TLS")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    with pytest.raises(AWAY, match="CERTIFICATE_VERIFY_FAILED"):
        connect(site.redis_url).ping()


def test_large_values_go_to_the_nexus_over_tls(site, hive):
    [found] = hive.map("demo.payload", [200_000])

    assert len(found) == 200_000
    assert not [name for name in NAMES if "sent_as_text" in site.processes.said(name)]


def test_it_leaves_secrets_to_their_owner_and_makes_none_of_a_nexus(homes):
    home = homes["far-1"]

    assert mode_of(home / "spore.env") == 0o600
    assert mode_of(home) == 0o700
    kept = {path.name for path in home.parent.rglob("*")}
    assert not kept & {"hive.sqlite3", "fleet_key", "secret_key"}


def test_the_rules_lack_nothing_that_a_spore_asks_for(site, homes):
    refused = [entry["object"] for entry in site.open_redis().acl_log()]

    assert refused == []


@pytest.mark.parametrize(
    "command",
    [
        ("KEYS", "*"),
        ("SCAN", "0"),
        ("EVAL", "return 1", "0"),
        ("PUBLISH", "hive:control:far-1", "look"),
        ("CONFIG", "GET", "requirepass"),
        ("ACL", "LIST"),
        ("FLUSHALL",),
        ("LPUSH", "rq:queue:far-2", "x"),
        ("LPUSH", "hive:commands:far-2", "x"),
        ("GET", "hive:orders:far-2"),
        ("XADD", "hive:report:far-2", "*", "e", "x"),
        ("XADD", "hive:beat:far-2", "*", "e", "x"),
        ("LRANGE", "rq:queue:far-2", "0", "-1"),
        ("HGETALL", wire.bundle_key("far-2-00000000000001")),
        ("SET", "hive:epoch", "99"),
        ("SUBSCRIBE", "hive:control:far-2"),
        ("GET", "hive:snapshot"),
        ("CLIENT", "LIST"),
    ],
)
def test_a_node_reaches_nothing_in_redis_that_is_not_its_own(site, homes, command):
    with pytest.raises(NoPermissionError):
        _as_node(site, homes["far-1"]).execute_command(*command)


def test_a_release_reaches_the_machine_over_the_air(site, homes, tmp_path):
    note, package = tmp_path / "note.py", tmp_path / "far.zip"
    note.write_text('"""Nothing but a note."""\n')
    for argv in (
        ("build", "--version", "7.0.0", "--source", str(note), "--out", str(package)),
        ("publish", str(package)),
    ):
        ran = site.manage("ota", *argv)
        assert ran.returncode == 0, ran.stderr

    told = site.ask("ota", "rollout", "7.0.0", "--strategy", "all-at-once", "--wait", "100")

    assert told["state"] == "succeeded", told
    until(
        lambda: {node["release"] for node in site.nodes().values()} == {"7.0.0"},
        what="the release on both machines",
    )


def test_a_redis_that_forgot_its_users_has_them_again_at_once(site, hive):
    site.restart_redis()

    found = list(hive.map("demo.whoami", range(8)))

    assert {each["node"] for each in found} <= set(NAMES)
    states = lambda: {node["state"] for node in site.nodes().values()}  # noqa: E731
    until(lambda: states() == {"online"}, what="both machines back")


def test_whoever_is_revoked_loses_its_work_and_every_door(site, hive, homes, tmp_path):
    marks, home = Marks(tmp_path / "marks"), homes["far-1"]
    held = hive.submit("odd.hold", [str(marks.place)] * 2)
    marks.await_count(2)
    known = _as_node(site, home)
    known.ping()

    told = site.ask("hive", "revoke", "far-1")

    assert told["redis"] == "its user of Redis is deleted, its connections are cut"
    with pytest.raises((AuthenticationError, RedisError)):
        known.ping()
    with pytest.raises(AuthenticationError):
        _as_node(site, home).ping()
    assert _ask_nexus(site, home).status == 401
    node = site.nodes()["far-1"]
    assert (node["state"], node["reason"]) == ("lost", "revoked: it has no key any more")
    marks.go()
    job = hive.wait(held["id"], 30)
    rows = list(hive.results(held["id"]))
    assert (job["state"], {row["node"] for row in rows}) == ("succeeded", {"far-2"})
    assert len(marks.read()) == 3  # what the lost one ran was begun again


def _ask_nexus(site, home):
    """Ask as that node for what is wanted of it, with the key that it was given."""
    given, path = site.credentials(home), "/api/v1/ota/root/"
    signed = authorization(
        node=given["HIVE_NODE_NAME"],
        key=bytes.fromhex(given["HIVE_NODE_KEY"]),
        method="GET",
        path=path,
        now=time.time(),
    )
    context = trusting(given["HIVE_CA_FILE"])
    with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
        return pool.request(
            "GET", given["HIVE_NEXUS_URL"] + path, headers={"Authorization": signed}
        )


def test_its_log_says_what_happened_and_is_not_full_of_it(site):
    until(lambda: "redis.refused" in site.processes.said("far-1"), what="a word of it")

    said = site.processes.said("far-1")
    # Its agent's, and that of each slot that ended with what it ran.
    assert 1 <= said.count("redis.refused") <= 4, said
    assert "`hive invite --name` on the Nexus lets it in again" in said
    assert said.count("redis.away") < 20, said


def test_it_cannot_come_back_by_itself(site, homes):
    line, place = site.lines["far-1"], homes["far-1"].parent.parent

    again = site.run_there(line, at=place)
    other = site.run_there(line, at=site.folder / "thief")

    assert (again.returncode, other.returncode) == (1, 1)
    assert "was revoked or invited anew since" in again.stderr
    assert "was used already, by node far-1" in other.stderr
    assert line.split("--token ")[1].split()[0] not in again.stderr + other.stderr
