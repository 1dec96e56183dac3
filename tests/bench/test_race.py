from bench.contenders import USUAL, Setting
from bench.figures import Figure, Spread, Verdict
from bench.race import race
from bench.workload import Heat, Workload
from tests.bench.cast import Absent, Broken, Obedient

COUNT = Figure("count", "{n:,} items", "items", more_is_better=True, goal=100, floor=10)


def yields(values):
    """A run that submits its items and yields the next value."""

    def run(contender, items):
        contender.run_all("noop", [1] * items)
        return {"count": values[contender.name].pop(0)}

    return run


def workload(values, *, name="one", hive=2000, quick=5, peers=2000, instead=None):
    instead = {"rq": 20} if instead is None else instead
    return Workload(name, yields(values), (COUNT,), hive, quick, peers, instead)


def run(*workloads, sides=None, repeats=1, quick=False, setting=USUAL):
    sides = sides or [Obedient("hive"), Obedient("rq")]
    heat = Heat(workloads, setting)
    return race([heat], sides, repeats=repeats, quick=quick, say=lambda text: None)


def test_the_medians_of_the_repeats_are_compared_with_each_peer_and_the_best_of_them():
    values = {"hive": [8, 40, 30], "rq": [3, 9, 2], "huey": [15, 14, 60]}

    outcome = run(workload(values), sides=[Obedient(name) for name in values], repeats=3)

    (line,) = outcome.lines
    assert line.sides["hive"] == Spread(median=30, lowest=8, highest=40)
    assert line.ratios() == {"rq": 10, "huey": 2}
    assert line.best_peer() == "huey"
    assert line.verdict is Verdict.FLOOR


def test_all_sides_have_their_turn_in_each_repeat():
    order = []
    sides = [Obedient("hive"), Obedient("rq"), Obedient("huey")]
    for side in sides:
        side.run_all = lambda work, items, name=side.name: order.append(name)
    values = {"hive": [1, 1], "rq": [1, 1], "huey": [1, 1]}

    run(workload(values), sides=sides, repeats=2)

    assert order == ["hive", "rq", "huey"] * 2


def test_a_turn_is_all_workloads_of_a_heat_in_its_setting():
    side, setting = Obedient("hive"), Setting(spores=2)
    values = {"hive": [1, 2]}

    run(
        workload(values),
        workload(values, name="two"),
        sides=[side],
        setting=setting,
    )

    assert side.turns == [setting]
    assert side.asked == [("noop", 2000)] * 2


def test_a_peer_gets_less_to_do_where_it_is_slow():
    sides = [Obedient("hive"), Obedient("rq"), Obedient("huey")]

    outcome = run(workload({"hive": [1], "rq": [1], "huey": [1]}), sides=sides)

    assert [side.asked[0][1] for side in sides] == [2000, 20, 2000]
    assert outcome.lines[0].counts == {"hive": 2000, "rq": 20, "huey": 2000}


def test_a_quick_run_never_does_more_than_a_full_one():
    sides = [Obedient("hive"), Obedient("rq")]

    run(workload({"hive": [1], "rq": [1]}, quick=50), sides=sides, quick=True)

    assert [side.asked for side in sides] == [[("noop", 50)], [("noop", 20)]]


def test_a_quick_run_says_how_many_items_it_ran():
    outcome = run(workload({"hive": [1], "rq": [1]}), quick=True)

    assert outcome.lines[0].title == "5 items"


def test_peers_do_not_start_for_what_only_the_hive_has():
    sides = [Obedient("hive"), Obedient("rq")]

    outcome = run(workload({"hive": [12]}, peers=0, instead={}), sides=sides)

    (line,) = outcome.lines
    assert (line.sides["hive"].median, line.ratios(), line.best_peer()) == (12, {}, None)
    assert sides[1].turns == []


def test_a_peer_that_is_there_for_one_workload_gets_no_other():
    sides = [Obedient("hive"), Obedient("chunks", only={"two"})]
    values = {"hive": [1, 1], "chunks": [5]}

    outcome = run(workload(values), workload(values, name="two"), sides=sides)

    assert [set(line.sides) for line in outcome.lines] == [{"hive"}, {"hive", "chunks"}]


def test_a_workload_that_fails_is_named_and_the_next_one_runs():
    broken, whole = Broken("hive"), Obedient("rq")
    first, second = workload({"rq": [2]}), workload({"rq": [3]}, name="two")

    outcome = run(first, second, sides=[broken, whole])

    assert outcome.failures == ["one: noop: 0 of 2000", "two: noop: 0 of 2000"]
    assert [line.sides["rq"].median for line in outcome.lines] == [2, 3]
    assert [line.verdict for line in outcome.lines] == [None, None]


def test_a_side_that_does_not_come_up_is_named_and_the_others_run():
    outcome = run(workload({"hive": [7]}), sides=[Obedient("hive"), Absent("rq")])

    assert outcome.failures == ["Rq: it did not come up"]
    assert set(outcome.lines[0].sides) == {"hive"}
