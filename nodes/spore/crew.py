"""The slots of one Spore: started, watched, ended when they must be, mourned.

Nothing here needs Redis: deadlines hold while it is away.
"""

import time
from collections.abc import Callable
from typing import Any

import structlog

from hive_site.kernel.crash import crash_point
from nodes import wire
from nodes.spore.board import CANCEL, FENCE, HANDOVER, MEMORY, TIMEOUT, Board, Work
from nodes.spore.deadlines import Act, Asked, decide
from nodes.spore.gate import Unfit
from nodes.spore.identity import Identity
from nodes.spore.limits import Limits
from nodes.spore.sensors import groups_rss_mb
from nodes.spore.slots import Ended, SlotMain, SlotProcess, start_slot

log = structlog.get_logger()
MAX_SLOTS = 256
RESTART_BACKOFF_SECONDS = (0.0, 0.0, 0.5, 1, 2, 5, 10, 30)
#: A slot that lived this long is healthy again, whatever came before.
HEALTHY_AFTER_SECONDS = 60.0
#: The place of an attempt's last words among its pieces of log: behind all that it can have told.
LAST = 2**31 - 1
WHY = {CANCEL: "cancelled", TIMEOUT: "timeout", FENCE: "fenced", MEMORY: "crashed"}
WHY[HANDOVER] = "handover"
#: What became of a bundle whose slot died, ready to be reported.
Obituary = dict[str, Any]


def stop_tokens(work: Work) -> tuple[str, str]:
    """What a cancellation of this work may name: the round of its job, or the attempt alone."""
    return work.stop_token, wire.attempt_token(work.attempt)


class Crew:
    """All slots, by index. `wanted` is how many there should be."""

    def __init__(
        self,
        *,
        slot_main: SlotMain,
        limits: Limits,
        wanted: int,
        leave_behind: Callable[[], None],
        gated: bool = False,
    ) -> None:
        self.board = Board(MAX_SLOTS, gated=gated)
        self.wanted = wanted
        self._slot_main, self._limits = slot_main, limits
        self._leave_behind = leave_behind
        self._slots: dict[int, SlotProcess] = {}
        self._asked: dict[int, Asked] = {}
        self._deaths: dict[int, list[float]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def pids(self) -> list[int]:
        """The processes."""
        return [slot.pid for slot in self._slots.values()]

    def works(self) -> list[Work]:
        """What each slot is doing."""
        return [slot.cell.read() for slot in self._slots.values()]

    def held_mb(self) -> list[tuple[int, int]]:
        """What each attempt at work holds of the memory, with all that it started, in MiB."""
        works = {slot.pid: slot.cell.read() for slot in self._slots.values()}
        busy = {pid: work.attempt for pid, work in works.items() if work.busy and work.attempt}
        return [(busy[pid], held) for pid, held in groups_rss_mb(busy).items()]

    def tasks(self) -> str:
        """The digest of the tasks that slots have loaded; empty if none has."""
        return next((t for slot in self._slots.values() if (t := slot.cell.tasks())), "")

    def is_ready(self) -> bool:
        """Whether every slot has loaded its tasks."""
        cells = [slot.cell for slot in self._slots.values()]
        return len(cells) >= self.wanted and all(cell.tasks() for cell in cells)

    def is_calm(self) -> bool:
        """Whether nothing can come to its end within a moment: all slots wait for bundles."""
        watched = self._limits.slot_memory_mb
        return self.is_ready() and not watched and not any(w.bundle for w in self.works())

    def open_gate(self) -> None:
        """Let the slots pop. They show their tasks anew once everybody can know them."""
        for slot in self._slots.values():
            slot.cell.show_tasks("")
        self.board.gate.open()

    def fill(self, identity: Identity, now: float) -> None:
        """Start the slots that are missing, later if they keep dying."""
        for index in range(self.wanted):
            if index not in self._slots and now >= self._restart_at(index):
                self._slots[index] = start_slot(self._serve, identity, self.board, index)

    def reap(self, now: float) -> list[Obituary]:
        """Bury the slots that ended; what is to be said of those that did not end well.

        Raises `Unfit` if one ended behind the gate before it had loaded its tasks.
        """
        said = []
        for index, slot in list(self._slots.items()):
            ended = slot.reap()
            if ended:
                del self._slots[index]
                self._check_fitness(slot, ended)
                if obituary := self._mourn(ended, now):
                    said.append(obituary)
                slot.cell.output.shut()
        return said

    def enforce(self, now: float, cancelled: frozenset[str]) -> None:
        """Ask, then kill, what is cancelled or over its time; kill what holds too much memory."""
        for index, slot in self._slots.items():
            work = slot.cell.read()
            stopped = not cancelled.isdisjoint(stop_tokens(work))
            act, why = decide(work, self._asked.get(index), cancelled=stopped, now=now)
            if act is Act.ASK:
                self._asked[index] = Asked(work.attempt, why, now)
                slot.interrupt(work.attempt, why)
            elif act is Act.KILL:
                slot.kill()
            elif excess := self._limits.excess(slot.pid):
                self._end(slot, work, MEMORY, now, how=excess)
        for index in [i for i in self._slots if i >= self.wanted]:
            self._retire(index)

    def fence(self, now: float) -> None:
        """End what must not run twice: this machine is cut off, others will be given its work."""
        for slot in self._slots.values():
            work = slot.cell.read()
            if work.busy and work.careful and slot.index not in self._asked:
                self._end(slot, work, FENCE, now)

    def break_off(self, now: float, how: str) -> None:
        """End every slot, with word on what it ran: nobody waits for it any longer."""
        for slot in self._slots.values():
            if slot.index not in self._asked or self._asked[slot.index].why != HANDOVER:
                self._end(slot, slot.cell.read(), HANDOVER, now, how=how)

    def kill_all(self) -> None:
        """End every slot. It is no crash of what they ran: the Foreman takes that back as lost."""
        for slot in self._slots.values():
            slot.kill()
        while self._slots:
            for index, slot in list(self._slots.items()):
                if slot.reap():
                    del self._slots[index]
                    slot.cell.output.shut()
            time.sleep(0.005)

    def _serve(self, identity: Identity, board: Board, index: int) -> None:
        # Nothing of the agent's sockets may stay open in the child, or they would prove it
        # alive after its death.
        self._leave_behind()
        self.board.gate.approach()
        self._slot_main(identity, board, index)

    def _check_fitness(self, slot: SlotProcess, ended: Ended) -> None:
        if self.board.gate.is_open or slot.cell.tasks():
            return
        why = slot.cell.output.take().strip() or ended.how
        raise Unfit(f"a slot ended before it had loaded its tasks: {why}")

    def _restart_at(self, index: int) -> float:
        deaths = self._deaths.get(index, [])
        if not deaths:
            return 0.0
        step = min(len(deaths), len(RESTART_BACKOFF_SECONDS) - 1)
        return deaths[-1] + RESTART_BACKOFF_SECONDS[step]

    def _mourn(self, ended: Ended, now: float) -> Obituary | None:
        asked = self._asked.pop(ended.index, None)
        if ended.clean:
            return None
        work = ended.work
        if not work.busy:
            self._rest_before_the_next(ended.index, now)
        ours = asked if asked and asked.attempt == work.attempt else None
        why = WHY[ours.why] if ours else "crashed"
        how = (ours.how if ours else "") or ended.how
        crash_point("agent.died")
        log.warning("slot.died", slot=ended.index, how=how, why=why, attempt=work.attempt)
        if not work.bundle:
            return None
        event = {"k": "died", "a": work.attempt, "why": why, "how": how, **self._span(work)}
        return {"bundle": work.bundle, "events": [*self._last_words(ended), event]}

    def _last_words(self, ended: Ended) -> list[dict[str, Any]]:
        """What its attempt printed and did not live to tell."""
        if not ended.work.busy:
            return []
        output = self.board[ended.index].output
        text = output.take() + output.rest()
        return [{"k": "log", "a": ended.work.attempt, "n": LAST, "text": text}] if text else []

    def _rest_before_the_next(self, index: int, now: float) -> None:
        """It died by itself, and the next one may too. What a task did is its subtask's matter."""
        recent = [t for t in self._deaths.get(index, []) if now - t < HEALTHY_AFTER_SECONDS]
        self._deaths[index] = [*recent, now]

    def _span(self, work: Work) -> dict[str, float]:
        """From when to when it ran, on Redis's clock."""
        if not work.busy:
            return {}
        over = time.time() + self.board.clock()[0]
        return {"t0": over - max(time.monotonic() - work.started, 0.0), "t1": over}

    def _end(self, slot: SlotProcess, work: Work, why: int, now: float, *, how: str = "") -> None:
        self._asked[slot.index] = Asked(work.attempt, why, now, how)
        slot.kill()

    def _retire(self, index: int) -> None:
        """Fewer slots are wanted: end this one once it is idle."""
        slot = self._slots[index]
        if slot.cell.read().bundle:
            slot.cell.retire()  # else it goes from one bundle to the next, and is idle never
        else:
            slot.kill()
