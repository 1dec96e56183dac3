"""All workloads, in the heats in which they are run."""

from collections.abc import Iterable, Sequence

from bench.calls import measure_calls
from bench.contenders import Setting
from bench.figures import Figure
from bench.measures import (
    measure_enqueue,
    measure_idle,
    measure_latency,
    measure_map,
    measure_payload,
    measure_routing,
    measure_sleep,
)
from bench.order import measure_company, measure_urgent
from bench.rest import measure_post, measure_rest
from bench.stopping import measure_cancel
from bench.streams import measure_delivery, measure_followers
from bench.workload import Heat, Workload, of_ideal, rate, timed

CPU = Figure("cpu", "… CPU per item, all processes", "µs", goal=100, floor=200)

#: Of all queues. RQ's Worker gets less to do where it is slow.
AGAINST_PEERS = (
    Workload(
        "map",
        measure_map,
        (rate("no-op map of {n:,}", "items/s", goal=15_000, floor=6_000), CPU),
        hive=10_000,
        quick=1_000,
        peers=10_000,
        instead={"rq": 1_000},
    ),
    Workload(
        "latency",
        measure_latency,
        timed("one no-op at a time", goals=(3, 8), floors=(6, 20)),
        hive=200,
        quick=40,
        peers=200,
        instead={"rq": 100},
    ),
    Workload(
        "tens",
        measure_sleep("sleep_10ms", 0.01),
        (of_ideal("{n:,} × 10 ms", goal=95, floor=90),),
        hive=1_000,
        quick=200,
        peers=1_000,
    ),
    Workload(
        "fifties",
        measure_sleep("sleep_50ms", 0.05),
        (of_ideal("{n:,} × 50 ms", goal=98, floor=96),),
        hive=200,
        quick=50,
        peers=200,
    ),
    Workload(
        "seconds",
        measure_sleep("sleep_1s", 1.0),
        (of_ideal("{n:,} × 1 s", goal=99.5, floor=99),),
        hive=20,
        quick=10,
        peers=20,
    ),
    Workload(
        "payload",
        measure_payload,
        (rate("{n:,} results of 100 kB", "results/s", goal=1_500, floor=700),),
        hive=200,
        quick=50,
        peers=200,
    ),
    Workload(
        "enqueue",
        measure_enqueue,
        timed("submit one job", floors=(10, 10)),
        hive=200,
        quick=40,
        peers=200,
        instead={"rq": 100},
    ),
    Workload(
        "routing",
        measure_routing,
        timed("submit to start in a slot", goals=(None, 10), floors=(None, 50)),
        hive=200,
        quick=40,
        peers=200,
        instead={"rq": 100},
    ),
)
#: A turn of their own: workers that have worked hold more memory than fresh ones.
IDLE = (
    Workload(
        "idle",
        measure_idle,
        (
            Figure("cpu", "idle worker with one slot, CPU", "%", goal=0.5, floor=1),
            Figure("memory", "… memory, its processes added up", "MB", goal=90, floor=120),
            Figure("pss", "… memory, shared pages split", "MB"),
        ),
        hive=10,
        quick=3,
        # Theirs are one process for each slot, as the Hive's here.
        instead={"rq": 10, "rq-simple": 10},
    ),
)
OF_THE_HIVE = (
    Workload(
        "rest",
        measure_rest,
        timed("one no-op at a time over REST", goals=(10, 25), floors=(20, 50)),
        hive=200,
        quick=40,
    ),
    Workload(
        "post",
        measure_post,
        (Figure("seconds", "one POST of {n:,} items", "s", goal=0.3, floor=1),),
        hive=10_000,
        quick=1_000,
    ),
    Workload(
        "broadcast",
        measure_cancel,
        timed("cancel to stopped on all nodes", floors=(100, 100)),
        hive=10,
        quick=2,
    ),
    Workload(
        "delivery",
        measure_delivery,
        timed("recorded to told by an event stream", floors=(100, 100)),
        hive=60,
        quick=10,
    ),
    Workload(
        "urgent",
        measure_urgent,
        timed("priority 10 behind 100,000 waiting, submit to start", floors=(500, 500)),
        hive=50,
        quick=10,
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
            rate("no-op map of {n:,} beside 100 streams", "items/s"),
        ),
        hive=10_000,
        quick=1_000,
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
    ),
)
ALONE = Setting(bundle_seconds=0)
SINGLES = (
    Workload(
        "singles",
        measure_map,
        (
            rate("no-op map of {n:,}, one item per bundle", "items/s", goal=5_000, floor=2_500),
            Figure("cpu", "… CPU per item, all processes", "µs"),
        ),
        hive=10_000,
        quick=1_000,
    ),
)
CALLS = (
    Workload(
        "calls",
        measure_calls,
        timed("broadcast answered by 100 nodes and stored", goals=(None, 50), floors=(None, 100)),
        hive=200,
        quick=20,
    ),
)
#: At most five nodes, as everywhere; then more slots on each of them.
SETTINGS = [Setting(min(slots, 5), max(slots // 5, 1)) for slots in (1, 2, 5, 10, 20)]


def _scale(setting: Setting) -> Heat:
    """Two seconds of 10-ms tasks for so many slots."""
    slots = setting.slots
    title = f"{{n:,}} × 10 ms on {slots} slot{'s' if slots > 1 else ''}"
    workload = Workload(
        f"scaling-{slots}",
        measure_sleep("sleep_10ms", 0.01, setting),
        (of_ideal(title, goal=90, floor=80),),
        hive=200 * slots,
        quick=50 * slots,
    )
    return Heat((workload,), setting)


HEATS = (
    Heat(AGAINST_PEERS),
    Heat(IDLE),
    Heat(SINGLES, ALONE),
    Heat(OF_THE_HIVE),
    Heat(CALLS, Setting(spores=0)),
    *map(_scale, SETTINGS),
)
NAMES = tuple(workload.name for heat in HEATS for workload in heat.workloads)


def pick(names: Sequence[str], heats: Iterable[Heat] = HEATS) -> list[Heat]:
    """The heats with these workloads only; all of them for no names."""
    wanted = [
        Heat(tuple(w for w in heat.workloads if not names or w.name in names), heat.setting)
        for heat in heats
    ]
    return [heat for heat in wanted if heat.workloads]
