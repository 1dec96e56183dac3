"""How an agent ends that nobody takes the place of."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.spore.crew import Crew
from nodes.spore.line import Line
from nodes.spore.outbox import send_all
from nodes.spore.spool import Spool
from nodes.spore.ward import Ward

log = structlog.get_logger()
STEP_SECONDS = 0.02
STOP_PATIENCE_SECONDS = 10.0


@dataclass(slots=True)
class Estate:
    """What an agent that serves no more has to see to. Redis's clock is `offset_seconds` ahead."""

    crew: Crew
    line: Line
    spool: Spool
    ward: Ward
    outbox: list[dict[str, Any]]
    offset_seconds: float
    #: When Redis was heard last, on the clock of this boot.
    heard_at: float
    cancelled: frozenset[str]
    #: How many signals asked it to end; the second one means now.
    signals: Callable[[], int]


def leave(estate: Estate) -> None:
    """Let running tasks end, in bounded time, and hand everything else back."""
    crew, line, ward = estate.crew, estate.line, estate.ward
    crew.board.set_clock(offset_seconds=estate.offset_seconds, stopping=True)
    give_up_at = time.monotonic() + STOP_PATIENCE_SECONDS
    while (crew or ward.elders) and estate.signals() < 2 and time.monotonic() < give_up_at:
        now = time.monotonic()
        said = crew.reap(now)
        estate.outbox += [obituary for obituary in said if not wire.is_probe(obituary["bundle"])]
        crew.enforce(now, estate.cancelled)
        ward.heed(STEP_SECONDS)
    crew.kill_all()
    try:
        line.replay(estate.spool)
        send_all(line, estate.outbox)
        line.report({"leaving": True, "events": []})
    except (RedisError, OSError) as error:
        log.warning("redis.away", error=str(error))
    line.close()
