import io
import json

from bench.peers.drive import serve
from bench.plain import WORK


class Eager:
    """Runs everything where it is asked."""

    def map(self, work, items):
        return [WORK[work](item) for item in items]

    def submit(self, work, item):
        return lambda: WORK[work](item)


def told(*requests):
    asked = io.StringIO("".join(f"{json.dumps(request)}\n" for request in requests))
    answers = io.StringIO()
    serve(Eager(), asked, answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_a_run_is_answered_with_its_seconds_and_its_results_in_order():
    (answer,) = told({"run": "noop", "items": [3, 1, 2]})

    assert answer["results"] == [3, 1, 2]
    assert answer["seconds"] >= 0


def test_trips_are_answered_one_by_one():
    (answer,) = told({"trips": "noop", "items": [3, 1]})

    assert [trip[3] for trip in answer["trips"]] == [3, 1]
    assert all(0 <= accepted <= took for _, accepted, took, _ in answer["trips"])


def test_what_fails_is_told_and_the_next_is_answered():
    failed, answered = told({"run": "nothing", "items": [1]}, {"run": "noop", "items": [1]})

    assert failed == {"error": "KeyError: 'nothing'"}
    assert answered["results"] == [1]
