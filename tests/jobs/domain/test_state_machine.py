"""Any order of events leaves every subtask in one state, and nothing waits for ever."""

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hive_site.kernel.errors import Deposed
from jobs.domain.retry import MAX_CRASHES, MAX_LOSSES
from jobs.domain.states import JOB_OPEN, OPEN, TERMINAL, JobState, SubtaskState
from nodes.domain.states import NodeState
from tests.jobs.domain.tiny_hive import TinyHive

NODES = st.sampled_from("abc")
KINDS = st.sampled_from(["ok", "fail", "timeout", "died", "back"])
WAYS = st.sampled_from(["arrives", "arrives", "arrives", "waits", "waits", "doubled", "lost"])
WISHES = {"pause": JobState.PAUSED, "resume": JobState.QUEUED, "cancel": JobState.CANCELLING}
ENDED_BADLY = {JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED}
REPORT = {"incarnation": "a.1", "bundle": "a-1", "job": "job_0", "ok": [], "events": []}
#: So many rounds of a few seconds, and three jobs of eight items must be through.
ENOUGH = 40
COUNTED = {
    "succeeded": {SubtaskState.SUCCEEDED},
    "failed": {SubtaskState.FAILED, SubtaskState.QUARANTINED},
    "cancelled": {SubtaskState.CANCELLED},
}


class Events(RuleBasedStateMachine):
    """One hive under fire."""

    def __init__(self):
        super().__init__()
        self.hive = TinyHive()
        self.ended = {}

    def teardown(self):
        try:
            self.let_all_end()
        finally:
            self.hive.close()

    @precondition(lambda self: len(self.hive.table.jobs) < 3)
    @rule(
        kind=st.sampled_from(["work", "work", "careful", "once"]),
        items=st.integers(1, 8),
        retries=st.integers(0, 2),
        reduce=st.booleans(),
        fail_fast=st.sampled_from([False, False, False, True]),
    )
    def submit(self, kind, items, retries, reduce, fail_fast):
        self.hive.submit(kind, items=items, retries=retries, reduce=reduce, fail_fast=fail_fast)
        self.hive.send()

    @precondition(lambda self: self.hive.table.open_jobs())
    @rule(node=NODES, times=st.integers(1, 3), way=WAYS)
    def work(self, node, times, way):
        for _ in range(times):
            self.end_item(node, "ok", way)

    @precondition(lambda self: self.hive.table.open_jobs())
    @rule(
        node=NODES,
        kind=KINDS.filter(lambda kind: kind != "ok"),
        times=st.integers(1, 3),
        way=WAYS,
    )
    def work_in_vain(self, node, kind, times, way):
        for _ in range(times):
            self.end_item(node, kind, way)
            self.rest(2)

    def end_item(self, node, kind, way):
        machine = self.hive.machines[node]
        if not machine.hands:
            self.hive.send()
        for hand in machine.hands[:1]:
            kind = "cancelled" if machine.is_stopped(hand) else kind
            report = (node, machine.end_item(hand, kind))
            if way == "arrives":
                self.hive.leader.record(report)
            elif way != "lost":
                self.hive.mail += [report] * (1 + (way == "doubled"))

    @precondition(lambda self: self.hive.mail)
    @rule(data=st.data(), count=st.integers(1, 3))
    def read_reports(self, data, count):
        at = data.draw(st.integers(0, len(self.hive.mail) - 1))
        read, self.hive.mail[at : at + count] = self.hive.mail[at : at + count], []
        self.hive.leader.record(*read)

    @precondition(lambda self: self.hive.leader.flight.nodes())
    @rule(
        node=NODES,
        what=st.sampled_from(["silent", "silent", "heard", "dies", "flaps", "wrong"]),
        send=st.booleans(),
    )
    def a_node(self, node, what, send):
        hive, machine = self.hive, self.hive.machines[node]
        if what in ("dies", "flaps"):
            machine.boot()
        if what == "silent" and machine.seat.state is NodeState.ONLINE:
            machine.seat.state = NodeState.SUSPECT
            hive.leader.distrust(node)
        elif what in ("dies", "wrong"):
            # After a wrong verdict it works on, and its reports come too late.
            machine.seat.state = NodeState.LOST
            hive.leader.reclaim(node, "gone")
        elif what in ("heard", "flaps"):
            machine.beat()
            hive.leader.look_around()
        if send:
            hive.send()

    @precondition(lambda self: self.hive.leader.flight.nodes())
    @rule(node=NODES, kinds=st.tuples(KINDS, KINDS), way=WAYS, silent_one_first=st.booleans())
    def two_copies_race(self, node, kinds, way, silent_one_first):
        hive, machine = self.hive, self.hive.machines[node]
        doubled = {hand.subtask for hand in machine.hands}
        self.a_node(node, "silent", send=True)
        others = [other for other in hive.machines.values() if other is not machine]
        racers = [node] + [one.name for one in others if doubled & {h.subtask for h in one.hands}]
        for name, kind in zip(racers if silent_one_first else racers[::-1], kinds, strict=False):
            self.end_item(name, kind, way)

    @precondition(lambda self: self.hive.leader.flight.nodes())
    @rule(what=st.sampled_from(["new leader", "death", "amnesia", "amnesia of a new leader"]))
    def a_new_beginning(self, what):
        hive, old = self.hive, self.hive.leader
        if what == "death" and hive.mail:
            old.record_and_die(hive.mail.pop())
        elif what.startswith("amnesia"):
            hive.ether.flushall()
            hive.mail.clear()
        if what == "amnesia":
            hive.find_again()
        else:
            hive.lead_anew()
            self.check_that_it_is_over(old)
        hive.send()

    def check_that_it_is_over(self, old):
        before = self.hive.picture()

        for act in (old.send, lambda: old.reclaim("a", "gone"), lambda: old.record(("a", REPORT))):
            with suppress(Deposed):
                act()

        assert self.hive.picture() == before, "a leader that is no more changed something"

    @precondition(lambda self: self.hive.table.jobs)
    @rule(data=st.data(), to=st.sampled_from(["pause", "resume", "cancel", "again", "again"]))
    def somebody_wants(self, data, to):
        table, leader = self.hive.table, self.hive.leader
        row = table.jobs[data.draw(st.sampled_from(sorted(table.jobs)))]
        job = row.order.job
        poison = [one for one in table.of(job) if one.state == SubtaskState.QUARANTINED]
        if to == "again" and (poison or row.state in ENDED_BADLY):
            if poison:
                table.release(poison[0])
            else:
                table.retry(job)
            for one in table.of(job):
                self.ended.pop(one.id, None)
            leader.reread(job)
        elif to in WISHES and row.state in JOB_OPEN - {JobState.CANCELLING}:
            row.state = WISHES[to]
            leader.admit(job)

    @rule(seconds=st.sampled_from([1, 6, 20]))
    def rest(self, seconds):
        self.hive.rest(seconds)
        self.hive.send()

    def let_all_end(self):
        """Without faults everything comes to its end."""
        hive = self.hive
        for row in hive.table.jobs.values():
            if row.state == JobState.PAUSED:
                row.state = JobState.QUEUED
                hive.leader.admit(row.order.job)
        for machine in hive.machines.values():
            if machine.seat.state is NodeState.LOST:
                machine.boot()
            machine.beat()
        for _ in range(ENOUGH):
            if not hive.table.open_jobs():
                break
            for node in hive.machines:
                self.end_item(node, "ok", "arrives")
            while hive.mail:
                hive.leader.record(hive.mail.pop(0))
            hive.rest(6)
            hive.send()
        self.check()

        assert not hive.table.open_jobs(), hive.picture()
        assert all(row.state in TERMINAL for row in hive.table.rows.values()), hive.picture()

    @invariant()
    def check(self):
        for row in self.hive.table.rows.values():
            self.check_row(row)
        for job, row in self.hive.table.jobs.items():
            self.check_job(job, row)

    def check_row(self, row):
        order = self.hive.table.jobs[row.job].order
        assert self.ended.get(row.id, row.state) == row.state, "a terminal state changed"
        if row.state in TERMINAL:
            self.ended[row.id] = row.state
        assert row.tally.errors <= order.policy.retries + 1
        assert row.tally.crashes <= MAX_CRASHES + 1
        assert row.tally.losses <= MAX_LOSSES + 1
        flying, rounds = self.hive.leader.flight.holds(row.id), self.hive.table.jobs[row.job].rounds
        if row.state in (SubtaskState.FAILED, SubtaskState.QUARANTINED):
            assert not flying, "failed, though another copy might succeed"
        if order.once and not row.reduce:
            assert len(self.hive.starts.get(row.id, [])) <= rounds, "started twice"
        if order.once and row.state in OPEN:
            assert flying == (row.state == SubtaskState.QUEUED), "marked wrongly"

    def check_job(self, job, row):
        rows = [one for one in self.hive.table.of(job) if not one.reduce]
        for name, states in COUNTED.items():
            assert row.counts[name] == sum(one.state in states for one in rows), name
        if row.state not in JOB_OPEN:
            assert all(one.state in TERMINAL for one in self.hive.table.of(job))
        line = self.hive.leader.memory.backlog.get(job)
        if line is None:
            return
        sent = [s for bundle in self.hive.leader.flight.of_job(job) for s in bundle.open.values()]
        ready = [one.subtask for one in line.ready]
        later = [one.subtask for _, _, one in line.later]
        assert line.in_flight == len(sent)
        over = {one.id for one in self.hive.table.of(job) if one.state in TERMINAL}
        assert over.isdisjoint({*ready, *later}), "ready, though it has ended"
        assert len({*ready, *later}) == len(ready) + len(later), "ready twice"
        copies = {one.subtask for one in sent} & {*ready, *later}
        assert copies <= line.doubled, "in flight and ready"


TestEvents = Events.TestCase
TestEvents.settings = settings(
    max_examples=2000,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
