"""The workloads: what is run on a side, and the figures that come of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.contenders import Contender
from bench.figures import Figure, efficiency, percentile
from bench.idle import watch_idle
from bench.order import measure_company, measure_urgent
from bench.streams import measure_delivery, measure_followers

#: Workers of each side, with one slot each.
WORKERS = 5
PAYLOAD_BYTES = 100_000
#: Runs one workload of so many items; the values by the figures' keys.
Run = Callable[[Contender, int], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing to measure. The counts are items, or seconds where there are none."""

    name: str
    run: Run
    figures: tuple[Figure, ...]
    hive: int
    quick: int
    #: RQ gets less to do where it is slow; 0 where it has no such thing.
    rq: int

    def count(self, contender: str, *, quick: bool) -> int:
        """How many items that side runs."""
        full = self.rq if contender == "rq" else self.hive
        return min(full, self.quick) if quick else full


def measure_rate(work: str, item: object) -> Run:
    """Items per second from the submission to the last result in hand."""

    def run(contender: Contender, items: int) -> dict[str, float]:
        begun = time.perf_counter()
        contender.run_all(work, [item] * items)
        return {"rate": items / (time.perf_counter() - begun)}

    return run


def measure_efficiency(work: str, seconds: float) -> Run:
    """How near sleeping items come to keeping every slot asleep all the time."""

    def run(contender: Contender, items: int) -> dict[str, float]:
        begun = time.perf_counter()
        contender.run_all(work, [seconds] * items)
        wall = time.perf_counter() - begun
        return {
            "efficiency": efficiency(items=items, seconds=seconds, slots=WORKERS, wall=wall),
        }

    return run


def measure_latency(contender: Contender, items: int) -> dict[str, float]:
    """One item at a time, from its submission to its result in hand."""

    def one() -> float:
        begun = time.perf_counter()
        contender.submit("noop", 1)()
        return time.perf_counter() - begun

    return _milliseconds([one() for _ in range(items)])


def measure_enqueue(contender: Contender, items: int) -> dict[str, float]:
    """What the caller waits for a submission to be stored, on an idle cluster."""

    def one() -> float:
        begun = time.perf_counter()
        result = contender.submit("noop", 1)
        took = time.perf_counter() - begun
        result()
        return took

    return _milliseconds([one() for _ in range(items)])


def measure_routing(contender: Contender, items: int) -> dict[str, float]:
    """From the submission until the function is entered in a slot."""

    def one() -> float:
        begun = time.time()
        return float(contender.submit("clock", None)()) - begun

    return _milliseconds([one() for _ in range(items)])


def measure_idle(contender: Contender, seconds: int) -> dict[str, float]:
    """The costliest worker while nothing runs."""
    return watch_idle(contender.workers, seconds=seconds)


def measure_cancel(contender: Contender, items: int) -> dict[str, float]:
    """From the order to stop until a running item on every node has ended and is recorded."""
    from bench.stopping import stop_everywhere

    return _milliseconds([stop_everywhere(WORKERS) for _ in range(items)])


def _milliseconds(seconds: list[float]) -> dict[str, float]:
    return {"p50": 1000 * percentile(seconds, 0.5), "p99": 1000 * percentile(seconds, 0.99)}


def _timed(title: str, floor: float | None = None) -> tuple[Figure, ...]:
    return tuple(Figure(p, f"{title}, {p}", "ms", floor=floor) for p in ("p50", "p99"))


def _rate(title: str, unit: str, floor: float | None = None) -> tuple[Figure, ...]:
    return (Figure("rate", title, unit, more_is_better=True, floor=floor),)


def _of_ideal(title: str, floor: float | None = None) -> tuple[Figure, ...]:
    return (Figure("efficiency", title, "% of ideal", more_is_better=True, floor=floor),)


ALL = (
    Workload(
        "map",
        measure_rate("noop", 1),
        _rate("no-op map of {n:,}", "items/s", floor=3000),
        hive=10_000,
        quick=1_000,
        rq=1_000,
    ),
    Workload("latency", measure_latency, _timed("one no-op at a time"), hive=200, quick=40, rq=100),
    Workload(
        "tens",
        measure_efficiency("sleep_10ms", 0.01),
        _of_ideal("{n:,} × 10 ms", floor=80),
        hive=1_000,
        quick=200,
        rq=1_000,
    ),
    Workload(
        "fifties",
        measure_efficiency("sleep_50ms", 0.05),
        _of_ideal("{n:,} × 50 ms"),
        hive=200,
        quick=50,
        rq=200,
    ),
    Workload(
        "seconds",
        measure_efficiency("sleep_1s", 1.0),
        _of_ideal("{n:,} × 1 s"),
        hive=20,
        quick=10,
        rq=20,
    ),
    Workload(
        "payload",
        measure_rate("payload", PAYLOAD_BYTES),
        _rate("results of 100 kB ({n:,})", "results/s"),
        hive=200,
        quick=50,
        rq=200,
    ),
    Workload(
        "enqueue", measure_enqueue, _timed("enqueue one job", floor=10), hive=200, quick=40, rq=100
    ),
    Workload(
        "routing",
        measure_routing,
        _timed("submit to start in a slot", floor=50),
        hive=200,
        quick=40,
        rq=100,
    ),
    Workload(
        "broadcast",
        measure_cancel,
        _timed("cancel to stopped on all nodes", floor=100),
        hive=10,
        quick=2,
        rq=0,
    ),
    Workload(
        "delivery",
        measure_delivery,
        _timed("recorded to told by an event stream", floor=100),
        hive=60,
        quick=10,
        rq=0,
    ),
    Workload(
        "urgent",
        measure_urgent,
        _timed("priority 10 behind 100,000 waiting, submit to start", floor=500),
        hive=50,
        quick=10,
        rq=0,
    ),
    Workload(
        "followers",
        measure_followers,
        (
            Figure(
                "share",
                "… recorded beside 100 event streams",
                "% of without",
                more_is_better=True,
                floor=90,
            ),
            Figure("rate", "no-op map of {n:,} beside 100 streams", "items/s", more_is_better=True),
        ),
        hive=10_000,
        quick=1_000,
        rq=0,
    ),
    Workload(
        "company",
        measure_company,
        (
            Figure("sleep_200ms", "10 × 200 ms beside 100,000, to alone", "×", floor=2),
            Figure("sleep_50ms", "10 × 50 ms beside 100,000, to alone", "×"),
        ),
        hive=15,
        quick=5,
        rq=0,
    ),
    # Last: workers that have worked hold more memory than fresh ones.
    Workload(
        "idle",
        measure_idle,
        (
            Figure("cpu", "idle worker with one slot, CPU", "%", floor=1),
            Figure("memory", "… memory, agent and slot added up", "MB", floor=120),
            Figure("pss", "… memory, shared pages split (PSS)", "MB"),
        ),
        hive=10,
        quick=3,
        rq=10,
    ),
)
