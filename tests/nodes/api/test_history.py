"""The history of the cluster over REST."""

import pytest

from tests.conftest import client_with


@pytest.fixture(autouse=True)
def _nexus(redis):
    pass


def test_the_history_of_the_cluster_is_an_hour_unless_told(api):
    answer = api.get("/api/v1/series/")

    told = answer.json()
    assert (answer.status_code, told["scope"], told["window"]) == (200, "cluster", "1h")
    assert (told["step"], len(told["at"]), len(told["values"]["succeeded"])) == (10, 360, 360)
    assert told["values"]["cpu"] == [None] * 360


def test_a_queue_has_a_history_too(api):
    told = api.get("/api/v1/series/?scope=queue/background&window=30d").json()

    assert told["values"].keys() == {"depth", "oldest_wait", "in", "out"}


@pytest.mark.parametrize(
    ("query", "field"), [("scope=moon", "scope"), ("window=", "window"), ("window=1y", "window")]
)
def test_what_is_wrong_is_pointed_to(api, query, field):
    answer = api.get(f"/api/v1/series/?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


def test_a_node_that_nobody_knows_is_not_found(api):
    assert api.get("/api/v1/series/?scope=node/nobody").status_code == 404


def test_it_takes_a_key_that_may_read(db):
    assert client_with("submit").get("/api/v1/series/").status_code == 403
