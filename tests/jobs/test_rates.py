"""How fast the work goes, and how much of it there was."""

from types import SimpleNamespace

from jobs.rates import Rates

NOW = 1_800_000_000.0


def sent(rates: Rates, count: int, *, queue: str = "background") -> None:
    rates.totals.sent[queue] += count


def test_rates_are_means_over_ten_seconds():
    rates = Rates()

    rates.add(NOW, succeeded=40, failed=10, retried=5)
    rates.add(NOW + 8, succeeded=60, failed=0)

    assert rates.per_second(NOW + 9) == {
        "succeeded_per_second": 10.0,
        "failed_per_second": 1.0,
        "retried_per_second": 0.5,
    }
    assert rates.per_second(NOW + 11)["succeeded_per_second"] == 6.0
    assert rates.per_second(NOW + 60)["succeeded_per_second"] == 0.0


def test_totals_only_grow():
    rates = Rates()

    rates.add(NOW, succeeded=2, failed=1, retried=3, nodes=["a", "a", "b"])
    rates.add(NOW + 60, succeeded=1, failed=0, nodes=["a"])

    totals = rates.totals
    assert (totals.succeeded, totals.failed, totals.retried) == (3, 1, 3)
    assert totals.ended == {"a": 3, "b": 1}


def test_what_comes_into_a_queue_is_what_left_it_and_what_is_there_more():
    rates = Rates()
    rates.flows({"background": 100, "high_priority": 0}, NOW)
    sent(rates, 40)

    flows = rates.flows({"background": 80, "high_priority": 30}, NOW + 5)

    assert flows == {
        "background": {"in": 4.0, "out": 8.0},
        "high_priority": {"in": 6.0, "out": 0.0},
    }


def test_a_cancelled_job_comes_into_no_queue_and_leaves_none():
    rates = Rates()
    rates.flows({"background": 100}, NOW)

    assert rates.flows({"background": 0}, NOW + 1) == {"background": {"in": 0.0, "out": 0.0}}


def test_flows_forget_what_is_older_than_ten_seconds():
    rates = Rates()
    rates.flows({"background": 0}, NOW)
    sent(rates, 1000)
    rates.flows({"background": 0}, NOW + 10.5)
    sent(rates, 5)

    flows = rates.flows({"background": 0}, NOW + 15.5)

    assert flows == {"background": {"in": 1.0, "out": 1.0}}


def test_the_first_look_knows_no_flow():
    assert Rates().flows({"background": 7}, NOW) == {"background": {"in": 0.0, "out": 0.0}}


def test_what_was_counted_before_the_clock_was_set_back_counts_no_more():
    rates = Rates()
    rates.add(NOW, succeeded=500, failed=0)
    rates.flows({"background": 100}, NOW)
    sent(rates, 500)

    assert rates.per_second(NOW - 3600)["succeeded_per_second"] == 0.0
    assert rates.flows({"background": 100}, NOW - 3600) == {"background": {"in": 0.0, "out": 0.0}}


def test_how_long_subtasks_waited_is_counted_for_their_first_try_only():
    rates = Rates()
    order = SimpleNamespace(queue="background")
    line = SimpleNamespace(order=order, ready_since=NOW - 4)
    first, again = ([SimpleNamespace(number=n)] * 3 for n in (1, 2))

    rates.send([(SimpleNamespace(at=NOW, items=items), line) for items in (first, again)])

    told = rates.tell()
    assert told["sent"] == {"background": 6}
    assert (told["waits"]["background"]["count"], told["waits"]["background"]["sum"]) == (3, 12.0)
