"""What the demo measures, from the times that the Hive recorded."""

from hive_site.demo.story import Outcome, Scene, measure, seconds_between


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
