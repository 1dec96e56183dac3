import pytest
from django.utils import timezone

from hive_site.commands.checkups import fleet
from nodes.models import Node


def node(name, **also):
    return {"name": name, "state": "online", "agent_version": "1", "release": "1.0", **also}


def test_a_node_that_is_lost_is_named():
    assert fleet.check_lost([node("a"), node("b")]).verdict == "ok"

    finding = fleet.check_lost([node("a"), node("b", state="lost")])

    assert (finding.verdict, finding.found) == ("warn", "1 of 2 lost: b")


def test_an_agent_of_another_version_is_named():
    assert fleet.check_agents([node("a"), node("b", agent_version="")], agent="1").verdict == "ok"

    finding = fleet.check_agents([node("a"), node("b", agent_version="0")], agent="1")

    assert (finding.verdict, "on b" in finding.found) == ("warn", True)


def test_nodes_that_run_different_releases_are_told_the_fewest_first():
    assert fleet.check_releases([node("a"), node("b")], own="1.0").found == "1.0"
    assert fleet.check_releases([node("a")], own="0.9").found == "1.0; the Nexus runs 0.9"
    assert fleet.check_releases([], own="1.0").verdict == "ok"

    rows = [node(f"n{n}", release="1.1") for n in range(7)] + [node("old")]
    finding = fleet.check_releases(rows, own="1.0")

    assert finding.verdict == "warn"
    assert finding.found == "1.0 on old; 1.1 on n0, n1, n2, n3, n4 and 2 more"


@pytest.mark.parametrize(("ahead", "verdict"), [(0.4, "ok"), (-30.0, "warn"), (30.0, "warn")])
def test_a_clock_that_is_off_is_told_with_its_node(ahead, verdict):
    finding = fleet.check_clocks({"a": 0.1, "b": ahead})

    assert finding.verdict == verdict
    # Redis is ahead of it, so it is behind.
    assert verdict == "ok" or finding.found == f"b {-ahead:+.1f} s"


@pytest.mark.django_db
def test_nodes_that_tell_nothing_of_their_clocks_hold_nothing_up(redis, monkeypatch):
    monkeypatch.setattr(fleet, "LOOK_SECONDS", 0.0)
    Node.objects.create(name="a", agent_version="1", last_seen=timezone.now())

    assert [each.name for each in fleet.check_fleet(agent="1", own="1")] == [
        "Nodes",
        "Agents",
        "Releases",
    ]


@pytest.mark.django_db
def test_a_hive_without_nodes_has_none_to_look_at(redis):
    assert list(fleet.check_fleet(agent="1", own="1")) == []
