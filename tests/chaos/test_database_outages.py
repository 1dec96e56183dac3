"""The database is locked, or gone: row 14 of FAULTS.md."""

import contextlib
import sqlite3
import time
from urllib.parse import urlsplit

import pytest
import urllib3
from django.db import connection, connections

from bench.database import tell_server
from nodes.models import Node
from nodes.services import create_api_key
from tests.chaos.cluster import SOON
from tests.chaos.waiting import until
from tests.chaos.work import burned, check, finish, lost, submit
from tests.databases import SERVER

pytestmark = pytest.mark.chaos
AWAY_SECONDS = 30.0


@contextlib.contextmanager
def locked(url):
    """Somebody holds SQLite's only lock for writing: a backup, or a forgotten shell."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as greedy:
        greedy.execute("BEGIN IMMEDIATE")
        yield
        greedy.rollback()


@contextlib.contextmanager
def restarted(url):
    """Every connection is cut, and none is accepted until the server is back."""
    server, name = SERVER, urlsplit(url).path[1:]
    connections.close_all()
    tell_server(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    tell_server(
        server,
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    yield
    tell_server(server, f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


OUTAGES = {"sqlite": locked, "postgresql": restarted}


def test_row_14_recording_waits_for_the_database(database_url, cluster, figure):
    _, key = create_api_key(name="chaos", scopes=["submit"])
    names = ("spore-1", "spore-2")
    cluster.foreman()
    for name in names:
        cluster.spore(name)
    address, outage = cluster.nexus(), OUTAGES[connection.vendor]
    cluster.await_nodes(*names)
    job = submit("chaos.work", [0.3] * 300)
    until(lambda: all(map(cluster.diary.running, names)), within=SOON, what="both work")

    with outage(database_url):
        gone_at = time.monotonic()
        status = urllib3.request(
            "POST",
            f"{address}/api/v1/jobs/",
            json={"task": "chaos.work", "items": [0.1]},
            headers={"Authorization": f"Bearer {key}"},
            timeout=SOON,
        ).status
        seconds = time.monotonic() - gone_at
        time.sleep(max(AWAY_SECONDS - seconds, 0))
    finish(job, within=180)

    what = outage.__name__
    again = sum(count - 1 for count in cluster.diary.times_run(job).values())
    figure(14, f"{what}: status of a submission meanwhile", status, "= 503")
    figure(14, f"{what}: seconds until that answer", seconds)
    figure(14, f"{what}: events lost (items that ran again)", again, "= 0")
    figure(14, f"{what}: lost", lost(job), "= 0")
    figure(14, f"{what}: retries burned", burned(job), "= 0")
    figure(14, f"{what}: nodes declared lost", Node.objects.exclude(losses=[]).count(), "= 0")
    check(cluster)
