"""What one recording transaction is about: which attempts ended, how, and which came back.

Reports fill a batch, and so do verdicts of the Foreman: a bundle lost with its node, or nowhere.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.domain.backlog import Ready
from jobs.domain.flight import Sent
from jobs.domain.states import Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """How one attempt ended. `result` and `error` are JSON text; times are Unix seconds."""

    attempt: int
    ready: Ready
    job: str
    node: str
    outcome: Outcome
    started: float | None = None
    ended: float | None = None
    result: str | None = None
    error: str | None = None
    final: bool = False
    after: float | None = None
    #: Why it ran where it did, for people.
    placed: str = ""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What an attempt said while it ran: a piece of log as text, or a partial result as JSON.

    `n` is its place among what the attempt said of that kind, from 1.
    """

    attempt: int
    ready: Ready
    job: str
    node: str
    n: int
    text: str


#: How many jobs one attempt may submit, and how long one of them may be as JSON text.
MAX_CALLS, MAX_WISH_CHARS = 1000, 1024 * 1024


@dataclass(frozen=True, slots=True)
class Submission:
    """A job that a running subtask wants: the `call`-th of its attempt; `wish` is JSON text.

    `current`: the attempt is in flight. If not, whoever stores it has to look whether it was
    the one that counted.
    """

    attempt: int
    subtask: int
    call: int
    node: str
    wish: str
    current: bool


@dataclass(slots=True)
class Batch:
    """Everything that one recording transaction is about."""

    endings: list[Ending] = field(default_factory=list)
    logs: list[Utterance] = field(default_factory=list)
    parts: list[Utterance] = field(default_factory=list)
    #: Failures of attempts whose subtask another attempt still works on: noted, not counted.
    echoes: list[Ending] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    #: Subtasks of returned attempts, filled in when the batch is committed.
    untouched: list[int] = field(default_factory=list)
    paces: list[tuple[str, float]] = field(default_factory=list)
    #: Seconds that some single items of jobs took.
    samples: list[tuple[str, list[float]]] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    dropped: int = 0
    _seen: set[int] = field(default_factory=set)

    def hush(self, is_open: Callable[[str], bool]) -> None:
        """Keep only what was said for jobs that are open: of others, whoever follows has gone."""
        self.logs = [said for said in self.logs if is_open(said.job)]
        self.parts = [said for said in self.parts if is_open(said.job)]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to record."""
        return not (self.endings or self.returned or self.logs or self.parts or self.submissions)

    @property
    def speaking(self) -> set[str]:
        """The jobs for which something was said."""
        return {said.job for said in (*self.logs, *self.parts)}

    def add(self, ending: Ending) -> bool:
        """Take an ending in; False if this batch has one for the attempt already."""
        if ending.attempt in self._seen:
            self.dropped += 1
            return False
        self._seen.add(ending.attempt)
        self.endings.append(ending)
        return True

    def give_back(self, attempts: Iterable[int]) -> None:
        """These attempts were never started."""
        for attempt in attempts:
            if attempt not in self._seen:
                self._seen.add(attempt)
                self.returned.append(attempt)


def lose(sent: Sent, *, untouched: bool, reason: str, batch: Batch) -> None:
    """A bundle is lost with its node. Its first open item may have been running."""
    attempts = sorted(sent.open)
    if not untouched and attempts:
        facts = {"type": "lost", "message": f"node {sent.node}: {reason}", "traceback": ""}
        first = attempts.pop(0)
        batch.add(
            Ending(
                first,
                sent.open[first],
                sent.job,
                sent.node,
                Outcome.LOST,
                error=error_text(facts),
                placed=sent.placed,
            )
        )
    batch.give_back(attempts)


def doubtful(ready: Ready, job: str, *, attempt: int) -> Ending:
    """The end of a subtask that was sent once, by a leader that is no more, and left no trace."""
    facts = {"type": "lost", "message": "nothing is known of it any more", "traceback": ""}
    return Ending(attempt, ready, job, "", Outcome.LOST, error=error_text(facts))


def mislay(sent: Sent, *, harmless: bool, reason: str, batch: Batch) -> None:
    """A bundle is nowhere to be found, and any of its open items may have run.

    What may run twice is sent again at no cost; anything else counts as lost.
    """
    if harmless:
        batch.give_back(sorted(sent.open))
        return
    facts = {"type": "lost", "message": f"node {sent.node}: {reason}", "traceback": ""}
    for attempt, ready in sorted(sent.open.items()):
        lost = Ending(attempt, ready, sent.job, sent.node, Outcome.LOST)
        batch.add(replace(lost, error=error_text(facts), placed=sent.placed))


def error_text(facts: dict[str, Any]) -> str:
    fields = {name: str(facts[name])[:20_000] for name in ("type", "message", "traceback")}
    text = json.dumps(fields, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()
