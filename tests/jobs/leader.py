"""A leader with the work of a real database, a Redis in memory, and nodes that say what they
are told to."""

from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from random import Random

from django.db import OperationalError, connection

from jobs.models import Job
from jobs.services import submit_job
from jobs.workload import JobsWorkload
from nodes.domain.beats import Beat
from nodes.domain.scoring import Weights
from nodes.domain.states import NodeState
from nodes.keyring import Keyring
from nodes.leadership import Leadership
from nodes.models import Node
from nodes.ports import Mail, Report, Wakeup
from nodes.roster import Roster, Seat

START = datetime(2030, 1, 1, tzinfo=UTC)


class Leader:
    """Leads from the start, over nodes `a` and `b` of four slots each."""

    def __init__(self, redis):
        self.redis, self.now = redis, START
        self.roster = Roster(
            Seat(name, state=NodeState.ONLINE, beat=Beat(incarnation=f"{name}.1", slots=4))
            for name in "ab"
        )
        for name in "ab":
            Node.objects.get_or_create(name=name)
        self.take_over()

    def take_over(self):
        """A Foreman that knows nothing leads now."""
        self._leadership = Leadership(self.redis)
        self._leadership.holder = "test:1"
        assert self._leadership.hold(self.now)
        self._leadership.mirror()
        self.work = JobsWorkload(
            self.redis, keyring=Keyring("key"), weights=Weights(), random=Random(1)
        )
        self.work.take_over(self._leadership, self.now)

    def submit(self, **wish):
        """A new job, of which the leader knows."""
        job = submit_job(**{"task": "demo.echo", "items": [1], **wish})
        self.hint("job", job)
        return job

    def hint(self, what, job):
        """Tell the leader that something about a job changed."""
        self.work.heed([Wakeup(what, job.pk)], self.now)

    def send(self):
        """Let it place what it can; everything that is in flight then."""
        self.work.dispatch(self.roster, self.now)
        return self.in_flight()

    def in_flight(self):
        """The bundles in flight, oldest first."""
        return sorted(self.work._memory.flight, key=lambda sent: sent.first)

    def report(self, sent, *, ok=(), events=()):
        """The node of a bundle says what became of its attempts."""
        body = {
            "bundle": sent.id,
            "incarnation": sent.incarnation,
            "job": sent.job,
            "ok": [(attempt, 1.0, 2.0, "1") for attempt in ok],
            "events": list(events),
        }
        report = Report(sent.node, sent.incarnation, "1-0", body)
        self.work.record(Mail(reports=[report], cursors={sent.node: "1-0"}), self.now)

    def fail(self, sent, attempt, kind="fail"):
        """The node of a bundle says that an attempt ended so."""
        facts = {"type": "E", "message": "", "traceback": ""}
        self.report(sent, events=[{"k": kind, "a": attempt, "t0": 1, "t1": 2, "e": facts}])

    def rest(self, seconds):
        """Let time pass, and the leader look around each second."""
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.work.housekeep(self.roster, self.now)

    def states(self, job):
        """The job's state, and those of its subtasks."""
        rows = job.subtasks.order_by("index").values_list("state", flat=True)
        return str(Job.objects.get(pk=job.pk).state), [str(state) for state in rows]


class Outage:
    """The database goes away at the first statement that contains a text."""

    def __init__(self, text):
        self._text, self.came = text, False

    def __enter__(self):
        self._wrapper = connection.execute_wrapper(self._execute)
        self._wrapper.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._wrapper.__exit__(kind, error, trace)
        assert self.came, f"no statement contains {self._text!r}"
        return kind is OperationalError

    def _execute(self, execute, sql, params, many, context):
        if not self.came and self._text in sql:
            self.came = True
            raise OperationalError("away")
        return execute(sql, params, many, context)


@contextmanager
def lost_answer():
    """The next commit takes effect, but the database goes away before it says so."""
    real = connection._commit

    def commit():
        real()
        connection._commit = real
        raise OperationalError("away")

    connection._commit = commit
    with suppress(OperationalError):
        yield
    assert connection._commit == real


def pop(leader, sent):
    """A slot takes the bundle, so that nobody can withdraw it."""
    assert leader.redis.lrem(f"rq:queue:{sent.node}", 0, sent.id)
    leader.redis.lpush(f"rq:queue:{sent.node}:intermediate", sent.id)
