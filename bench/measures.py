"""What every queue can do: many no-ops, one at a time, sleeping items, large results."""

from collections.abc import Callable

from bench.contenders import USUAL, Contender, Setting
from bench.figures import efficiency, milliseconds
from bench.idle import watch_idle
from bench.timing import Trip
from bench.workload import Run

PAYLOAD_BYTES = 100_000


def measure_map(contender: Contender, items: int) -> dict[str, float]:
    """Items per second, and what one costs of the CPU, in µs over all processes."""
    before = contender.cpu_seconds()
    seconds = contender.run_all("noop", [1] * items)
    return {"rate": items / seconds, "cpu": 1e6 * (contender.cpu_seconds() - before) / items}


def measure_payload(contender: Contender, items: int) -> dict[str, float]:
    """Results of 100 kB per second."""
    return {"rate": items / contender.run_all("payload", [PAYLOAD_BYTES] * items)}


def measure_sleep(work: str, seconds: float, setting: Setting = USUAL) -> Run:
    """How near sleeping items come to keeping every slot asleep all the time."""

    def run(contender: Contender, items: int) -> dict[str, float]:
        wall = contender.run_all(work, [seconds] * items)
        ideal = efficiency(items=items, seconds=seconds, slots=setting.slots, wall=wall)
        return {"efficiency": ideal}

    return run


def measure_trips(work: str, took: Callable[[Trip], float]) -> Run:
    """What one item at a time takes, on an idle cluster, in milliseconds."""

    def run(contender: Contender, items: int) -> dict[str, float]:
        return milliseconds([took(trip) for trip in contender.run_trips(work, [1] * items)])

    return run


def measure_idle(contender: Contender, seconds: int) -> dict[str, float]:
    """The costliest worker while nothing runs."""
    return watch_idle(contender.workers, seconds=seconds)


#: From the submission of one item to its result in hand.
measure_latency = measure_trips("noop", lambda trip: trip.took)
#: What the caller waits for a submission to be stored.
measure_enqueue = measure_trips("noop", lambda trip: trip.accepted)
#: From the submission until the function is entered in a slot.
measure_routing = measure_trips("clock", lambda trip: float(trip.result) - trip.begun)
