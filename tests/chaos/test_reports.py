"""Reports that are forged, senseless, doubled, late or out of order: rows 23 to 25 of FAULTS.md."""

import json
import random

import pytest

from hive_site.kernel.envelope import node_key, seal
from jobs.ledger import peek
from jobs.models import Subtask
from nodes import wire
from nodes.models import Node
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import check, finish, lost, results, states, submit

pytestmark = [pytest.mark.chaos, pytest.mark.quick]
STREAM, BEATS = wire.report_key("spore-1"), wire.beat_key("spore-1")
ASIDE = "chaos:aside"


@pytest.fixture
def one(cluster):
    """A Foreman and a Spore of one slot."""
    cluster.foreman()
    cluster.spore("spore-1")
    cluster.await_nodes("spore-1")
    cluster.fleet_key = (cluster.folder / "secrets" / "fleet_key").read_text().strip()
    return cluster


def sealed(text, *, fleet_key, node="spore-1", purpose=wire.PURPOSE_REPORT):
    return seal(text, key=node_key(fleet_key, node), purpose=purpose)


def running_attempt(cluster):
    """The attempt that the Spore works on."""
    until(lambda: cluster.diary.running("spore-1"), within=SOON, what="it works")
    [entry] = cluster.redis.hgetall(wire.flight_key("spore-1")).values()
    return peek(entry)["f"]


def success(attempt, incarnation, result='"forged"'):
    """What a slot would say of a success."""
    ok = [[attempt, 1.0, 2.0, result]]
    return {"v": wire.PROTOCOL, "incarnation": incarnation, "ok": ok, "events": []}


def forgeries(body, fleet_key):
    """Envelopes that this node never sealed, or that are no reports."""
    text = json.dumps(body)
    return [
        b"",
        b"junk",
        text.encode(),
        b"v1.." + text.encode(),
        sealed(text, fleet_key="another fleet's key"),
        sealed(text, fleet_key=fleet_key, node="spore-2"),
        sealed(text, fleet_key=fleet_key, purpose=wire.PURPOSE_BEAT),
        sealed(text, fleet_key=fleet_key).replace(b"forged", b"bitten"),
        sealed(json.dumps({**body, "v": 99}), fleet_key=fleet_key),
        sealed("[" * 5000, fleet_key=fleet_key),
        sealed("7", fleet_key=fleet_key),
        sealed('{"v": 1}', fleet_key=fleet_key),
    ]


def nonsense(attempt, incarnation):
    """What a node might say that was taken over: sealed with its key, but senseless."""
    base = {"v": wire.PROTOCOL, "incarnation": incarnation, "bundle": "x", "job": "x"}
    rows = [7, "7", {}, [], None, True, [[]], [[[]]], [None], {"k": 1}]
    failure = {"k": "fail", "a": attempt, "t0": 1, "t1": 2, "e": {}}
    yield from ({**base, "ok": row} for row in rows)
    yield from ({**base, "events": row} for row in rows)
    for result in (None, 7, {}, ["x"], "\0", "\ud800"):
        yield {**base, "ok": [[attempt, 1, 2, result]]}
    for moment in (None, "x", float("nan"), float("inf"), 1e300, -1e300, 10**400):
        yield {**base, "ok": [[attempt, moment, moment, '"forged"']]}
        yield {**base, "events": [{**failure, "t0": moment, "e": dict.fromkeys(FACTS, "x")}]}
    for wrong in (None, 7, "x", [], {"type": 1}):
        yield {**base, "events": [{**failure, "e": wrong}]}
        yield {**base, "events": [{"k": "died", "a": attempt, "why": wrong, "how": wrong}]}
        yield {**base, "events": [{"k": "back", "attempts": wrong}]}
        yield {**base, "incarnation": wrong, "ok": [[attempt, 1, 2, '"forged"']]}
        yield {**base, "leaving": wrong, "incarnation": "not mine"}


FACTS = ("type", "message", "traceback")


def test_row_24_forged_and_senseless_reports_change_nothing(one, figure):
    job = submit("chaos.work", [4.0])
    attempt, foreman = running_attempt(one), one.child("foreman")
    incarnation = Node.objects.get().incarnation

    for envelope in forgeries(success(attempt, incarnation), one.fleet_key):
        one.redis.xadd(STREAM, {"e": envelope})
    one.redis.xadd(STREAM, {"another": b"field"})
    bodies = list(nonsense(attempt, incarnation))
    for body in bodies:
        one.redis.xadd(STREAM, {"e": sealed(json.dumps(body), fleet_key=one.fleet_key)})
    finish(job)

    # Whoever does not say which start of a node it is has said nothing at all.
    nobodys = sum(not isinstance(body.get("incarnation"), str) for body in bodies)
    refused = foreman.log.read_text().count("report.refused") - nobodys
    figure(24, "forged reports refused of 13", refused, "= 13")
    figure(24, "accepted", results(job).count("forged"), "= 0")
    figure(24, "runs", one.diary.times_run(job)[0], "= 1")
    figure(24, "Foreman alive", foreman.alive, "= 1")
    check(one)


def test_row_24_a_replayed_report_changes_nothing(one, figure):
    first = submit("chaos.work", [0.2])
    until(lambda: one.diary.running("spore-1"), within=SOON, what="it works")
    one.freeze("foreman")
    said = until(lambda: one.redis.xrange(STREAM), within=SOON, what="it reports")
    one.thaw("foreman")
    finish(first)
    before = Subtask.objects.filter(job=first).values().get()

    second = submit("chaos.work", [1.0])
    until(lambda: one.diary.running("spore-1"), within=SOON, what="it works")
    for _, fields in said * 3:
        one.redis.xadd(STREAM, fields)
    finish(second)

    assert Subtask.objects.filter(job=first).values().get() == before
    figure(24, "replayed reports accepted", results(second).count(0) - 1, "= 0")
    check(one)


def test_row_24_senseless_heartbeats_change_nothing(one, figure):
    foreman = one.child("foreman")
    beat = {
        "v": wire.PROTOCOL,
        "incarnation": Node.objects.get().incarnation,
        **{"slots": 1, "cpu": 0, "memory": 0, "free_memory_mb": 1, "labels": {}},
        **{"capabilities": [], "gpus": [], "release": "1", "agent_version": "1", "platform": "x"},
        **{"running": [], "metrics": {}, "trouble": ""},
    }
    values = (None, 7, "x", [7], {"x": 7}, float("inf"), float("nan"), 10**400, "\0", "\ud800")
    values += ({"\0": "\ud800"}, ["\0"], [[1, 2, 3]], [{"index": 10**400}], "y" * 10_000)

    for name in set(beat) - {"v", "incarnation"}:
        for value in values:
            text = json.dumps({**beat, name: value})
            envelope = sealed(text, fleet_key=one.fleet_key, purpose=wire.PURPOSE_BEAT)
            one.redis.xadd(BEATS, {"e": envelope}, maxlen=1)
            one.redis.xadd(wire.INBOX, {"what": "joined", "subject": "spore-1"})
            wait_for_a_look(one)
    job = submit("chaos.work", [0.1])
    finish(job)

    figure(24, "Foreman alive after senseless heartbeats", foreman.alive, "= 1")
    figure(24, "lost after senseless heartbeats", lost(job), "= 0")
    check(one)


def wait_for_a_look(cluster):
    """Wait until the Foreman has looked around once more, or is dead."""
    seen = cluster.redis.get(wire.SNAPSHOT)
    until(
        lambda: cluster.redis.get(wire.SNAPSHOT) != seen or not cluster.child("foreman").alive,
        within=SOON,
        what="the Foreman looks around",
    )
    assert cluster.child("foreman").alive


def test_row_25_reports_doubled_and_out_of_order_end_as_a_clean_run_does(one, figure):
    items = [0.0] * 200
    clean = submit("chaos.work", items, reduce="chaos.total")
    finish(clean)
    said = []

    job = submit("chaos.work", items, reduce="chaos.total")
    ended = Subtask.objects.filter(job=job, state="succeeded")
    while ended.count() <= len(items):
        until(lambda: one.redis.exists(STREAM), within=SOON, what="it reports")
        one.freeze("foreman")
        # At once: the Spore goes on to report.
        taken = one.redis.pipeline(transaction=True).xrange(STREAM).delete(STREAM).execute()
        entries = [fields for _, fields in taken[0]]
        said += entries
        for fields in random.Random(1).sample(entries * 2, k=2 * len(entries)):
            one.redis.xadd(STREAM, fields)
        one.thaw("foreman")
        until(
            lambda: one.redis.xlen(STREAM) == 0 or ended.count() > len(items),
            within=SOON,
            what="the Foreman reads",
        )
    finish(job)
    for fields in said:
        one.redis.xadd(STREAM, fields)
    until(lambda: one.redis.xlen(STREAM) == 0, within=SOON, what="late ones are read")

    columns = ("index", "role", "state", "result", "attempts", "errors", "crashes", "losses")
    mine, theirs = (
        list(Subtask.objects.filter(job=which).order_by("index").values(*columns))
        for which in (job, clean)
    )
    figure(25, "rows that differ from a clean run", sum(map(differ, mine, theirs)), "= 0")
    assert states(job) == {"succeeded": len(items) + 1}
    check(one)


def differ(one, other):
    return one != other
