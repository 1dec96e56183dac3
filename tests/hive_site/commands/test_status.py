from io import StringIO

import pytest
from rich.console import Console

from hive_site.commands.status import compose, show

NODE = {
    **{"name": "spore-1", "state": "online", "reason": "", "slots": 2, "running": 1},
    **{"cpu": 0.5, "memory": 0.25, "release": "0.1.0", "last_seen": None},
}
PICTURE = {
    **{"at": 100.0, "foreman": {"holder": "lab:1", "epoch": 7}, "nodes": [NODE]},
    **{"nodes_online": 1, "nodes_total": 1, "slots": 2, "active_subtasks": 1},
    "throughput": {"succeeded_per_second": 3.0},
    "queues": {"background": {"depth": 12, "oldest_wait": 4.2, "paused": True}},
}
REMEMBERED = {**NODE, "state": "lost"}
DATABASE = {"holder": "old:1", "epoch": 6, "nodes": [REMEMBERED], "jobs": {"running": 3}}


def shown(status, *, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width)
    show(console, status)
    return console.file.getvalue()


def test_a_fresh_picture_shows_who_leads_and_every_node():
    status = compose(PICTURE, DATABASE, redis_error="", now=101.0)

    assert status["foreman"] == {
        **{"state": "leading", "holder": "lab:1", "epoch": 7},
        "age_seconds": 1.0,
    }
    assert status["nodes_online"] == 1
    text = shown(status)
    for part in ("Foreman leads", "1 of 1 nodes online", "spore-1", "50%", "12", "paused"):
        assert part in text
    # what waits on a node counts too, so there may be more of it than slots
    assert "1 subtasks in flight on 2 slots, 3.0 subtasks/s" in text


def test_a_stale_picture_is_shown_with_its_age_and_counts_nobody_as_online():
    status = compose(PICTURE, DATABASE, redis_error="", now=130.0)

    assert status["foreman"]["state"] == "away"
    assert status["nodes_online"] == 0
    assert "this picture is 30.0 s old" in shown(status)


def test_without_a_picture_the_database_tells_what_it_knows():
    status = compose({}, DATABASE, redis_error="", now=130.0)

    assert status["foreman"]["state"] == "away"
    assert status["foreman"]["epoch"] == 6
    assert status["nodes"][0]["state"] == "lost"
    assert "python manage.py foreman" in shown(status)


def test_that_redis_is_away_is_not_taken_for_a_foreman_that_is():
    status = compose({}, DATABASE, redis_error="connection refused", now=130.0)

    assert status["foreman"]["state"] == "unknown"
    assert "Redis is away" in shown(status)


def test_an_empty_cluster_says_how_to_fill_it():
    empty = {**DATABASE, "nodes": [], "jobs": {}}

    text = shown(compose({}, empty, redis_error="", now=0.0))

    assert "`hive invite`" in text
    assert "none yet" in text


@pytest.mark.parametrize("reason", ["[red]", "[/]", "[link=x]"])
def test_what_a_node_says_of_itself_is_printed_as_it_is(reason):
    nodes = [{**NODE, "reason": reason}]

    assert reason in shown(compose({**PICTURE, "nodes": nodes}, DATABASE, redis_error="", now=100))


def test_a_name_is_whole_on_a_narrow_terminal_too():
    name = "spore--" + "f" * 30
    node = {**NODE, "name": name, "reason": "revoked: it has no key any more"}
    status = compose({**PICTURE, "nodes": [node]}, DATABASE, redis_error="", now=101.0)

    assert name in shown(status, width=80)
