from bench.figures import Figure, Spread
from bench.race import race
from bench.workloads import Workload
from tests.bench.cast import Broken, Obedient

COUNT = Figure("count", "{n:,} items", "items", more_is_better=True, floor=10)


def yields(values):
    """A run that submits its items and yields the next value."""

    def run(contender, items):
        contender.run_all("noop", [1] * items)
        return {"count": values[contender.name].pop(0)}

    return run


def workload(values, *, hive=2000, quick=5, rq=20):
    return Workload("one", yields(values), (COUNT,), hive=hive, quick=quick, rq=rq)


def run(*workloads, sides=None, repeats=1, quick=False):
    sides = sides or [Obedient("hive"), Obedient("rq")]
    return race(workloads, sides, repeats=repeats, quick=quick, say=lambda text: None)


def test_the_median_of_the_repeats_is_compared():
    outcome = run(workload({"hive": [8, 40, 30], "rq": [3, 9, 2]}), repeats=3)

    (line,) = outcome.lines
    assert line.hive == Spread(median=30, lowest=8, highest=40)
    assert line.ratio == 10
    assert line.meets is True


def test_both_sides_take_turns():
    order = []
    sides = [Obedient("hive"), Obedient("rq")]
    for side in sides:
        side.run_all = lambda work, items, name=side.name: order.append(name)

    run(workload({"hive": [1, 1], "rq": [1, 1]}), sides=sides, repeats=2)

    assert order == ["hive", "rq", "hive", "rq"]


def test_rq_gets_less_to_do_where_it_is_slow():
    sides = [Obedient("hive"), Obedient("rq")]

    run(workload({"hive": [1], "rq": [1]}), sides=sides)

    assert [side.asked for side in sides] == [[("noop", 2000)], [("noop", 20)]]


def test_a_quick_run_never_does_more_than_a_full_one():
    sides = [Obedient("hive"), Obedient("rq")]

    run(workload({"hive": [1], "rq": [1]}, quick=50), sides=sides, quick=True)

    assert [side.asked for side in sides] == [[("noop", 50)], [("noop", 20)]]


def test_a_quick_run_says_how_many_items_it_ran():
    outcome = run(workload({"hive": [1], "rq": [1]}), quick=True)

    assert outcome.lines[0].title == "5 items"


def test_what_rq_does_not_have_is_not_compared():
    outcome = run(workload({"hive": [12]}, rq=0))

    (line,) = outcome.lines
    assert (line.hive.median, line.rq, line.ratio) == (12, None, None)


def test_a_workload_that_fails_is_named_and_the_next_one_runs():
    broken, whole = Broken("hive"), Obedient("rq")
    first, second = workload({"rq": [2]}), workload({"rq": [3]})

    outcome = run(first, second, sides=[broken, whole])

    assert outcome.failures == ["one: noop: 0 of 2000"] * 2
    assert [line.rq.median for line in outcome.lines] == [2, 3]
    assert [line.meets for line in outcome.lines] == [None, None]
