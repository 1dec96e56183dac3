"""One run of the demo, and what it measures from the times that the Hive recorded."""

import json
import signal

import fakeredis
import pytest

from hive_site.demo import story
from hive_site.demo.story import Outcome, Scene, measure, seconds_between
from nodes import wire


def result(index: int, node: str, begun: str, ended: str, state: str = "succeeded") -> dict:
    day = "2026-11-24T10:00:"
    times = {"started_at": f"{day}{begun}+00:00", "finished_at": f"{day}{ended}+00:00"}
    return {"index": index, "node": node, "state": state, **times}


JOB = {
    "state": "succeeded",
    "created_at": "2026-11-24T10:00:00.000+00:00",
    "finished_at": "2026-11-24T10:00:04.000+00:00",
    "progress": {"total": 2, "succeeded": 2, "failed": 0},
}


def test_the_speed_up_is_the_sum_of_run_times_over_the_wall_time():
    rows = [result(0, "a", "00.0", "03.0"), result(1, "b", "00.5", "03.5")]

    outcome = measure(Scene(JOB, rows, []), ["a", "b"])

    assert (outcome.busy, outcome.wall, outcome.speed_up) == (6.0, 4.0, 1.5)


def test_a_subtask_that_never_ran_adds_nothing():
    assert seconds_between(None, None) == 0.0


def test_an_outcome_is_complete_only_if_every_article_succeeded():
    short = {**JOB, "progress": {"total": 3, "succeeded": 2, "failed": 1}}

    assert Outcome(JOB, [], 1, 1).complete
    assert not Outcome(short, [], 1, 1).complete


def test_a_spore_is_credited_with_what_it_finished():
    rows = [result(0, "a", "00.0", "01.0"), result(1, "a", "00.0", "01.0", state="failed")]

    assert Scene(JOB, rows, []).done_by("a") == 1


class Watched:
    """A Hive whose job goes through the given moments, one at each look."""

    def __init__(self, *moments):
        self.moments = list(moments)
        self.wish, self.cancelled = None, False

    def submit(self, task, items, **options):
        self.wish = (task, items, options)
        return {"id": "job_1"}

    def job(self, job_id):
        return self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]

    def results(self, job_id):
        return iter([result(0, "spore-2", "00.0", "01.0")])

    def cancel(self, job_id):
        self.cancelled = True


def moment(succeeded, state="running"):
    return {**JOB, "id": "job_1", "state": state, "progress": {"total": 8, "succeeded": succeeded}}


@pytest.fixture
def stage(monkeypatch):
    """Plays a run without rests; whatever it would kill is written down instead."""
    monkeypatch.setattr(story, "LOOK_EVERY_SECONDS", 0.0)
    monkeypatch.setattr(story.os, "kill", lambda pid, signum: killed.append((pid, signum)))
    killed, shown, redis = [], [], fakeredis.FakeRedis()
    nodes = [{"name": "spore-1", "work": []}, {"name": "spore-2", "work": [1]}]
    redis.set(wire.SNAPSHOT, json.dumps({"nodes": nodes}))

    def play(hive, *, chaos=False, stop=lambda: False, redis=redis):
        spores = {"spore-2": 12, "spore-1": 11}
        urls = [f"http://b.example/{n}" for n in range(8)]
        options = {"redis": redis, "spores": spores, "chaos": chaos, "stop": stop}
        return story.play(hive, urls, show=shown.append, **options), shown, killed

    return play


def test_the_job_is_shown_until_it_has_ended(stage):
    hive = Watched(moment(0), moment(3), moment(8, "succeeded"))

    outcome, shown, killed = stage(hive)

    task, items, options = hive.wish
    assert (task, len(items), options["reduce"]) == ("articles.summarise", 8, "articles.digest")
    assert [scene.job["progress"]["succeeded"] for scene in shown] == [0, 3, 8]
    assert [node["name"] for node in shown[0].nodes] == ["spore-1", "spore-2"]
    assert outcome.complete
    assert outcome.spores == ["spore-1", "spore-2"]
    assert (killed, outcome.killed) == ([], "")


def test_chaos_kills_one_spore_that_works_once_a_quarter_is_done(stage):
    hive = Watched(moment(0), moment(1), moment(2), moment(5), moment(8, "succeeded"))

    outcome, shown, killed = stage(hive, chaos=True)

    assert killed == [(12, signal.SIGKILL)]
    assert outcome.killed == "spore-2"
    assert [scene.killed for scene in shown] == ["", "", "", "spore-2", "spore-2"]


def test_chaos_kills_somebody_even_if_nobody_is_seen_at_work(stage):
    _, _, killed = stage(
        Watched(moment(2), moment(8, "succeeded")), chaos=True, redis=fakeredis.FakeRedis()
    )

    assert killed == [(11, signal.SIGKILL)]


def test_who_stops_the_demo_cancels_its_job(stage):
    hive = Watched(moment(0))

    with pytest.raises(KeyboardInterrupt):
        stage(hive, stop=lambda: True)
    assert hive.cancelled


def test_the_run_goes_on_while_redis_is_away(stage):
    redis = fakeredis.FakeRedis(server=fakeredis.FakeServer())
    redis.connection_pool.connection_kwargs["server"].connected = False

    _, shown, _ = stage(Watched(moment(8, "succeeded")), redis=redis)

    assert shown[0].nodes == []
