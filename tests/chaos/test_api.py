"""The REST API under fire: rows 26 and 28 of FAULTS.md."""

import contextlib
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import urllib3

from jobs.models import Job
from nodes.models import Node
from nodes.services import create_api_key
from tests.chaos.cluster import SOON
from tests.chaos.work import check, finish, lost

pytestmark = pytest.mark.chaos
SLOW_SOCKETS, FLOOD_SECONDS = 200, 20.0


@pytest.fixture
def site(cluster):
    """A Nexus, a Foreman and a Spore; with the site's address and the headers of a caller."""
    _, key = create_api_key(name="chaos", scopes=["submit", "read"])
    cluster.foreman()
    cluster.spore("spore-1")
    cluster.address = cluster.nexus()
    cluster.headers = {"Authorization": f"Bearer {key}"}
    cluster.await_nodes("spore-1")
    return cluster


@pytest.mark.quick
def test_row_26_the_same_key_fifty_times_at_once_makes_one_job(site, figure):
    pool = urllib3.PoolManager(maxsize=50)
    headers = {**site.headers, "Idempotency-Key": "the same"}
    wish = {"task": "chaos.work", "items": [0.1] * 3}
    together = threading.Barrier(50)

    def post(_):
        together.wait()
        url = f"{site.address}/api/v1/jobs/"
        return pool.request("POST", url, json=wish, headers=headers, timeout=SOON)

    with ThreadPoolExecutor(50) as callers:
        answers = list(callers.map(post, range(50)))
    jobs = {answer.json()["id"] for answer in answers}
    finish(*jobs)

    assert {answer.status for answer in answers} == {202}
    figure(26, "jobs", Job.objects.count(), "= 1")
    figure(26, "ids in the answers", len(jobs), "= 1")
    figure(26, "answers that say they are replays", replays(answers), "= 49")
    check(site)


def replays(answers):
    return sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers)


def test_row_28_a_flood_harms_neither_health_nor_heartbeats(site, figure):
    end = time.monotonic() + FLOOD_SECONDS
    where = urlsplit(site.address)
    pool = urllib3.PoolManager(maxsize=16)

    def flood(_):
        statuses = []
        while time.monotonic() < end:
            wish = {"task": "demo.echo", "items": [0]}
            url = f"{site.address}/api/v1/jobs/"
            answer = pool.request("POST", url, json=wish, headers=site.headers, timeout=SOON)
            statuses.append(answer.status)
        return statuses

    with contextlib.ExitStack() as leave:
        for _ in range(SLOW_SOCKETS):
            slow = leave.enter_context(socket.create_connection((where.hostname, where.port)))
            slow.sendall(b"POST /api/v1/jobs/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n")
        with ThreadPoolExecutor(16) as callers:
            flooding = callers.map(flood, range(16))
            health = [ask_health(site.address) for _ in iter(lambda: time.monotonic() < end, False)]
            statuses = [status for answers in flooding for status in answers]
    jobs = list(Job.objects.values_list("pk", flat=True))
    finish(*jobs, within=300)

    figure(28, "requests in 20 s", len(statuses))
    figure(28, "answers that were no 202 and no 429", len(strange(statuses)), "= 0")
    figure(28, "health p99, seconds", statistics.quantiles(health, n=100)[98], "< 1 s")
    figure(28, "false LOST", Node.objects.exclude(losses=[]).count(), "= 0")
    figure(28, "accepted and lost", lost(*jobs), "= 0")
    check(site)


def ask_health(address):
    """Seconds that a health check takes."""
    begun = time.monotonic()
    assert urllib3.request("GET", f"{address}/livez", timeout=SOON).status == 200
    time.sleep(0.05)
    return time.monotonic() - begun


def strange(statuses):
    return [status for status in statuses if status not in (202, 429)]
