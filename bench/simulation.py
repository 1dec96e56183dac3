"""A real Foreman before played nodes: the stage, and one run on it."""

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bench.contenders import Incomplete
from bench.ground import open_ground
from bench.observer import Observer, Stretch
from bench.players import play
from bench.tasks import PREFIX
from hive_site.kernel.redis import connect
from hive_site.stack.recipes import Recipes

SLOTS, URGENT_PRIORITY = 4, 9
READY_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.25
#: After so many times the ideal time nobody believes that it will end.
PATIENCE = 5.0
#: Once all has ended, so long until the Foreman is at rest.
SETTLE_SECONDS = 2.0
TASK = f"{PREFIX}noop"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated."""

    nodes: int
    subtasks: int
    seconds: float
    idle_seconds: float

    @property
    def slots(self) -> int:
        return self.nodes * SLOTS

    @property
    def urgent(self) -> int:
        """How many subtasks the second job has."""
        return max(self.subtasks // 100, 1)

    @property
    def ideal(self) -> float:
        """Subtasks a second, if slots did nothing but run."""
        return self.slots / self.seconds


@contextlib.contextmanager
def open_stage(plan: Plan) -> Iterator[tuple[Observer, "Synchronized[float]"]]:
    """A Foreman before played nodes; nothing of it is left afterwards."""
    with contextlib.ExitStack() as leave:
        place, nursery = leave.enter_context(open_ground())
        leave.callback(nursery.stop, ["foreman"], patience=5.0)
        nursery.start(Recipes().foreman(place))
        done = multiprocessing.get_context("spawn").Value("d", 0.0)
        leave.enter_context(_open_company(place.redis_url, plan, done))
        client = connect(place.redis_url, name="hive-bench", patient=True)
        observer = Observer(client, nursery.pid("foreman") or 0)
        _await(lambda: _is_ready(observer, plan), READY_SECONDS, "all nodes are online")
        yield observer, done


@contextlib.contextmanager
def _open_company(url: str, plan: Plan, done: "Synchronized[float]") -> Iterator[None]:
    from django.conf import settings

    from nodes import wire

    names = [f"node-{number:04}" for number in range(plan.nodes)]
    about = (settings.HIVE_FLEET_KEY, names, SLOTS, plan.seconds, wire.list_tasks([TASK]), done)
    spawn = multiprocessing.get_context("spawn")
    player = spawn.Process(target=play, args=(url, *about), daemon=True)
    player.start()
    try:
        yield
    finally:
        player.terminate()
        player.join()


def _is_ready(observer: Observer, plan: Plan) -> bool:
    with contextlib.suppress(Incomplete):
        return bool(observer.look()["nodes_online"] == plan.nodes)
    return False


def _await(seen: Callable[[], bool], seconds: float, what: str) -> None:
    give_up_at = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > give_up_at:
            raise Incomplete(f"not within {seconds:.0f} s: {what}")
        time.sleep(LOOK_EVERY_SECONDS)


class Drive:
    """One run: a large job, an urgent one in the midst of it, and then nothing to do."""

    def __init__(
        self,
        plan: Plan,
        observer: Observer,
        done: "Synchronized[float]",
        say: Callable[[str], None],
    ) -> None:
        self._plan, self._observer, self._done, self._say = plan, observer, done, say
        self._work, self._idle = Stretch(), Stretch()
        #: When, and how many seconds of items had ended, while every slot could have had work.
        self._full: list[tuple[float, float]] = []

    def run(self) -> dict[str, float]:
        """Everything that is measured. Raises `Incomplete` if the jobs do not end."""
        plan, begun = self._plan, time.time()
        self._observer.note(self._work)
        job, urgent = self._submit(plan.subtasks), None
        give_up_at = begun + PATIENCE * (plan.subtasks / plan.ideal + plan.seconds) + READY_SECONDS
        while not (job.finished_at and urgent and urgent.finished_at):
            if time.time() > give_up_at:
                raise Incomplete(f"{job.succeeded:,} of {plan.subtasks:,} ended")
            self._look(job, begun)
            if not urgent and 2 * job.succeeded >= plan.subtasks:
                urgent = self._submit(plan.urgent, priority=URGENT_PRIORITY)
            for each in filter(None, (job, urgent)):
                each.refresh_from_db()
            time.sleep(LOOK_EVERY_SECONDS)
        took = (job.finished_at - job.created_at).total_seconds()
        return {
            "took": took,
            "rate": (plan.subtasks + plan.urgent) / took,
            "ideal": plan.ideal,
            "urgent": (urgent.finished_at - urgent.created_at).total_seconds(),
            **self._idle_slots(),
            **self._work.describe(),
            **self._rest(),
        }

    def _submit(self, count: int, **options: Any) -> Any:
        from jobs import hive  # now that Django is set up

        return hive.submit(TASK, list(range(count)), **options)

    def _look(self, job: Any, begun: float) -> None:
        picture = self._observer.note(self._work)
        waiting = sum(row["depth"] for row in picture["queues"].values())
        told = f"{job.succeeded:,} of {self._plan.subtasks:,}"
        self._say(f"{told}, {picture['active_subtasks']:,} in flight")
        if waiting and time.time() > begun + 2 * self._plan.seconds:
            self._full.append((time.time(), self._done.value))

    def _idle_slots(self) -> dict[str, float]:
        if len(self._full) < 2:
            return {}
        (since, before), (until, after) = self._full[0], self._full[-1]
        share = (after - before) / (until - since) / self._plan.slots
        return {"idle_slots": 100 * max(1 - share, 0.0)}

    def _rest(self) -> dict[str, float]:
        self._say("nothing to do")
        end = time.monotonic() + self._plan.idle_seconds
        time.sleep(SETTLE_SECONDS)
        while time.monotonic() < end:
            self._observer.note(self._idle)
            time.sleep(LOOK_EVERY_SECONDS)
        told = self._idle.describe()
        return {"idle_cpu": told["cpu"], "idle_loop_p99": told["loop_p99"]}


def simulate(plan: Plan, say: Callable[[str], None]) -> dict[str, float]:
    """Everything that is measured, by its name."""
    say("starting")
    with open_stage(plan) as (observer, done):
        return Drive(plan, observer, done, say).run()
