"""The heaps find the line that a look at every line would find, whatever happened before."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from jobs.domain.backlog import FAVOUR, Backlog
from jobs.domain.turns import AGEING_SECONDS
from nodes.domain.placement import Demand
from tests.jobs.cast import NOW, line, ready

START = NOW.timestamp()
DEMANDS = (Demand(), Demand(gpu=1))


def naive_turn(work, now, *, picks, closed=()):
    """The first of all lines by the rules, one by one."""
    able = [
        each
        for each in work.lines()
        if each.ready and not (each.held or each.stopped) and each.standing.lane not in closed
    ]
    if not able:
        return None
    ranks = {each.order.rank for each in able}
    favoured = max(ranks) if (picks + 1) % FAVOUR == 0 else min(ranks)

    def key(each):
        urgency = each.order.priority + int(max(now - each.since, 0) / AGEING_SECONDS)
        return (-urgency, each.standing.share.account.served, each.served, each.order.job)

    return min((each for each in able if each.order.rank == favoured), key=key)


class AnyHistory(RuleBasedStateMachine):
    """Lines come, go, run empty, are fed, paused, and served, while time passes."""

    @initialize()
    def begin(self):
        self.work, self.now, self.picks, self.made = Backlog(), START, 0, 0

    def _pick(self, data, **where):
        lines = sorted(self.work.lines(), key=lambda each: each.order.job)
        return data.draw(st.sampled_from(lines))

    @rule(
        rank=st.integers(0, 1),
        priority=st.integers(4, 6),
        submitter=st.sampled_from("abc"),
        demand=st.sampled_from(DEMANDS),
        items=st.integers(0, 3),
    )
    def open(self, **wish):
        self.made += 1
        self.work.open(line(f"job-{self.made}", since=self.now, **wish))

    @precondition(lambda self: self.work.lines())
    @rule(data=st.data(), again=st.booleans())
    def close(self, data, again):
        """It left; with `again` it is read anew under the same name."""
        old = self._pick(data)
        self.work.close(old.order.job)
        if again:
            self.work.open(line(old.order.job, items=2, since=self.now))

    @precondition(lambda self: self.work.lines())
    @rule(data=st.data(), what=st.sampled_from(["feed", "starve", "hold", "release", "put off"]))
    def change(self, data, what):
        """What others do to a line, of which nobody tells."""
        each = self._pick(data)
        if what == "feed":
            each.ready.append(ready(99))
        elif what == "starve":
            each.ready.clear()
        elif what == "put off":
            each.put_off(ready(98), self.now + 30)
        else:
            each.held = what == "hold"

    @rule(seconds=st.sampled_from([0, 1, 59, 60, 61, 600]))
    def wait(self, seconds):
        self.now += seconds

    @rule(data=st.data(), bundles=st.integers(1, 12), seconds=st.sampled_from([0.25, 1, 8]))
    def plan(self, data, bundles, seconds):
        """One plan: some bundles are sent, some lines and lanes find no room."""
        self.work.prepare(self.now)
        closed, passed = set(), set()
        for _ in range(bundles):
            first = self.work.turn(closed=closed)
            left_out = [each for each in self.work.lines() if each.order.job in passed]
            kept = {each.order.job: list(each.ready) for each in left_out}
            for each in left_out:
                each.ready.clear()
            expected = naive_turn(self.work, self.now, picks=self.picks, closed=closed)
            for each in left_out:
                each.ready.extend(kept[each.order.job])
            assert first is expected
            if first is None:
                return
            fate = data.draw(st.sampled_from(["send", "send", "send", "no room", "pass"]))
            if fate == "send":
                first.ready.popleft()
                self.work.charge(first, seconds=seconds, now=self.now)
                self.picks += 1
            elif fate == "no room":
                closed.add(first.standing.lane)
            else:
                passed.add(first.order.job)
                self.work.pass_over(first)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(
    jobs=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    costs=st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=5, max_size=5),
)
def test_submitters_get_equal_shares_however_many_jobs_they_have(jobs, costs):
    work = Backlog()
    for who, count in enumerate(jobs):
        for n in range(count):
            work.open(line(f"{who}-{n}", items=10, submitter=str(who)))
    given = Counter()

    for _ in range(100):
        work.prepare(START)
        first = work.turn()
        seconds = costs[int(first.order.submitter)]
        work.charge(first, seconds=seconds, now=START)
        given[first.order.submitter] += seconds

    # Nobody is ahead by more than one bundle.
    assert max(given.values()) - min(given[str(who)] for who in range(len(jobs))) <= max(costs)


def test_heaps_do_not_keep_what_moved_on():
    """A lane that nobody gets into for a day ages in place."""
    work = Backlog()
    for n in range(100):
        work.open(line(f"{n:03}", items=1))
    for minute in range(24 * 60):
        work.prepare(START + 60 * minute)

    [lane] = [lane for lanes in work._turns._ranks.values() for lane in lanes.values()]
    [group] = lane.groups.values()
    assert len(group.heap) <= 400
    assert len(lane._heap) <= 400
    assert len(work._turns._birthdays) == 100
