"""Payloads and results that are too large, or no JSON: rows 22 and 23 of FAULTS.md."""

from dataclasses import replace

import pytest
import urllib3

from jobs.models import Subtask
from nodes import wire
from nodes.services import create_api_key
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import check, finish, state_of, states, submit

pytestmark = pytest.mark.chaos
MOST_ITEMS, KIB, MIB = 100_000, 1024, 1024 * 1024
BAD = ["an object", "a set", "bytes", "NaN", "infinity", "a NUL", "half a character"]
BAD += ["10,000 deep", "a huge number"]


@pytest.fixture
def two(cluster):
    """A Foreman and two Spores of one slot."""
    cluster.foreman()
    for name in ("spore-1", "spore-2"):
        cluster.spore(name)
    cluster.await_nodes("spore-1", "spore-2")
    return cluster


@pytest.mark.quick
@pytest.mark.parametrize("kind", [*BAD, "33 MB"])
def test_row_23_a_bad_result_fails_alone(kind, two, figure):
    job = submit("chaos.answer", [None] * 250 + [kind] + [None] * 249)

    finish(job)

    bad = Subtask.objects.get(job=job, index=250)
    refused = '"result_too_large"' if kind == "33 MB" else '"result_invalid"'
    assert (bad.state, bad.attempts) == ("failed", 1)
    assert refused in bad.error
    row, stored = (22 if kind == "33 MB" else 23), states(job)["succeeded"]
    figure(row, f"stored of 500, one being {kind}", stored, "= 499")
    check(two)


def longest(fields: dict[bytes, bytes]) -> int:
    return max(map(len, fields.values()))


@pytest.mark.quick
def test_row_22_a_submission_that_is_too_large_is_refused(cluster, figure):
    _, key = create_api_key(name="chaos", scopes=["submit"])
    url = f"{cluster.nexus()}/api/v1/jobs/"
    headers = {"Authorization": f"Bearer {key}"}

    for what, items in (("33 MiB", ["x" * 33 * MIB]), ("100,001 items", [0] * (MOST_ITEMS + 1))):
        wish = {"task": "demo.echo", "items": items}
        answer = urllib3.request("POST", url, json=wish, headers=headers, timeout=SOON)

        figure(22, f"status for {what}", answer.status, "= 413")


@pytest.mark.parametrize("size", [200 * KIB, 900 * KIB])
def test_row_22_no_value_in_redis_is_large(size, cluster, figure, settings):
    # As texts, the worst that can be: by reference nothing of them would be there.
    settings.HIVE = replace(settings.HIVE, inline_kb=1024)
    cluster.foreman(HIVE_INLINE_KB="1024")
    cluster.spore("spore-1", slots=2, HIVE_INLINE_KB="1024")
    cluster.await_nodes("spore-1")
    cluster.freeze("spore-1")
    cluster.await_no_pops("spore-1")

    job = submit("demo.echo", ["x" * size])
    [bundle] = until(
        lambda: cluster.redis.lrange(wire.queue_key("spore-1"), 0, -1),
        within=SOON,
        what="it is sent",
    )
    sent = longest(cluster.redis.hgetall(wire.bundle_key(bundle.decode())))
    cluster.freeze("foreman")
    cluster.thaw("spore-1")
    report = wire.report_key("spore-1")
    entries = until(lambda: cluster.redis.xrange(report), within=SOON, what="it reports")
    cluster.thaw("foreman")
    finish(job)

    assert state_of(job) == "succeeded"
    what = f"of an item and a result of {size // KIB} KiB"
    said = max(longest(fields) for _, fields in entries)
    figure(22, f"largest value in Redis {what}, KiB", max(sent, said) / KIB, "≤ 256")
    check(cluster)
