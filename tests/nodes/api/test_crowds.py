"""How many may wait at once."""

import pytest
from rest_framework.exceptions import Throttled

from hive_site.kernel.errors import Unavailable
from jobs.api import streams, views
from nodes.api.crowds import Crowd


@pytest.fixture
def crowd():
    return Crowd("wait", most=3, most_of_one=2)


def test_nobody_takes_all_places(crowd):
    crowd.enter("ann")
    crowd.enter("ann")

    with pytest.raises(Throttled, match="ann waits 2 times already"):
        crowd.enter("ann")
    crowd.enter("bob")
    with pytest.raises(Unavailable, match="3 others wait already"):
        crowd.enter("eve")


def test_who_leaves_makes_room(crowd):
    for _ in range(5):
        crowd.enter("ann")
        crowd.leave("ann")

    assert len(crowd) == 0


def test_who_waits_too_often_at_once_is_told_when_to_come_back(api, monkeypatch):
    monkeypatch.setattr(views, "waiters", Crowd("wait", most=1, most_of_one=0))
    job = api.post("/api/v1/jobs/", {"task": "demo.echo"}, format="json").json()["id"]

    refused = api.get(f"/api/v1/jobs/{job}/?wait=1")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert api.get(f"/api/v1/jobs/{job}/").status_code == 200


def test_who_follows_leaves_a_place_at_the_end(api, monkeypatch):
    crowd = Crowd("follow", most=1, most_of_one=1)
    monkeypatch.setattr(streams, "followers", crowd)
    job = api.post("/api/v1/jobs/", {"task": "demo.echo"}, format="json").json()["id"]

    first = api.get(f"/api/v1/jobs/{job}/events/")

    assert (first.status_code, len(crowd)) == (200, 1)
    assert api.get(f"/api/v1/jobs/{job}/events/").status_code == 429
    first.close()
    assert len(crowd) == 0
