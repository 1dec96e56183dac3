"""A PostgreSQL that is short of connections, and one that is reached through a pooler's rules."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from hive_site.kernel.errors import HiveError
from nodes.services import create_api_key
from tests.chaos.work import burned, check, finish, lost, submit
from tests.databases import migrate, speaking_to
from tests.postgresql import find_binaries, running

pytestmark = pytest.mark.chaos
#: One for this process, one or two for the Foreman; a Nexus would like to have twenty.
CONNECTIONS, CALLERS, CALLS = 6, 40, 400


@pytest.fixture
def database_url(django_db_blocker):
    """A server that accepts few connections."""
    try:
        find_binaries()
    except HiveError as error:
        pytest.skip(str(error))
    few = (f"max_connections={CONNECTIONS}", "superuser_reserved_connections=0")
    with running(*few) as server, django_db_blocker.unblock():
        migrate(server.url)
        with speaking_to(server.url):
            yield server.url


def test_who_gets_no_connection_is_told_to_come_again_and_work_goes_on(cluster):
    _, key = create_api_key(name="chaos", scopes=["read"])
    cluster.foreman()
    cluster.spore("spore-1")
    address = cluster.nexus(HIVE_API_RATE="0")
    cluster.await_nodes("spore-1")
    job = submit("chaos.work", [0.05] * 100)

    def ask(_: int) -> tuple[int, bool]:
        answer = urllib3.request(
            "GET",
            f"{address}/api/v1/jobs/{job}/results/",
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            retries=False,
        )
        return answer.status, "Retry-After" in answer.headers

    with ThreadPoolExecutor(CALLERS) as callers:
        answers = Counter(callers.map(ask, range(CALLS)))
    finish(job)

    assert set(answers) <= {(200, False), (503, True)}, answers
    assert answers[200, False] > CALLS / 2
    assert (lost(job), burned(job)) == (0, 0)
    check(cluster)
