"""The process of a slot: one slot after another, until the board says stop."""

from functools import partial

import structlog

from hive_site.kernel import tracing
from hive_site.kernel.subject import set_subject
from jobs.descriptions import describe_all
from jobs.spore.capture import Capture
from jobs.spore.payloads import PayloadOptions
from jobs.spore.slot import AWAY_SECONDS, NOWHERE, Slot
from nodes import wire
from nodes.spore.board import Board
from nodes.spore.identity import Identity
from nodes.spore.outage import Outage
from nodes.spore.spool import Spool

log = structlog.get_logger()


def serve_slot(
    identity: Identity,
    board: Board,
    index: int,
    *,
    url: str,
    modules: list[str],
    spool: Spool,
    payload_options: PayloadOptions = NOWHERE,
) -> None:
    """The main function of a slot process."""
    from jobs.registry import load_tasks

    registry = load_tasks(modules)
    if not board.gate.is_open:
        board[index].show_tasks(wire.digest_tasks(describe_all(registry)))
        board.gate.wait()
    tracing.open_early()
    with Capture(board[index].output) as capture:
        make = partial(
            Slot,
            url=url,
            registry=registry,
            spool=spool,
            capture=capture,
            payload_options=payload_options,
        )
        outage = Outage()
        while not board.clock()[1]:
            # RQ gives the connection its name; a slot may start while Redis is away.
            with outage.endured(AWAY_SECONDS):
                outage.refrain()
                slot = make(identity, board, index)
                set_subject(slot.subject)
                break
        else:
            return
        slot.serve()
