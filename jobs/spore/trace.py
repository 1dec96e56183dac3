"""The spans of one bundle on a Spore, if somebody traces its job."""

import time
from typing import Any

from hive_site.kernel import tracing
from jobs.wire import Bundle

#: Of a bundle of many items, those that take longer have spans of their own, and those that fail.
SLOW_SECONDS = 0.1


class Trace:
    """A bundle that runs. Of one item it is that item's span, `subtask.run`; of many `bundle.run`,
    with spans below it for the few that are worth one."""

    def __init__(self, bundle: Bundle, span: tracing.Span, *, node: str) -> None:
        self._bundle, self._span, self._node = bundle, span, node
        self._single = len(bundle.items) == 1
        self._error = ""

    @property
    def traceparent(self) -> str:
        """What the reports of the bundle name as their parent."""
        return self._span.traceparent

    def succeeded(self, attempt: int, seconds: float) -> None:
        """An item is done."""
        if not self._single and seconds >= SLOW_SECONDS:
            self._tell(attempt, seconds, "")

    def failed(self, event: dict[str, Any]) -> None:
        """An attempt ended otherwise; what it said is not told, only of which kind it is."""
        kind = str((event.get("e") or {}).get("type") or event.get("k") or "failed")
        if self._single:
            self._error = kind
        elif "t0" in event and "t1" in event:
            self._tell(event["a"], event["t1"] - event["t0"], kind)

    def end(self) -> None:
        """All of it was run."""
        self._span.end(error=self._error)

    def _tell(self, attempt: int, seconds: float, error: str) -> None:
        item = self._bundle.items[attempt - self._bundle.first]
        now = time.time()
        tracing.tell(
            "subtask.run",
            parent=self.traceparent,
            begun=now - seconds,
            ended=now,
            error=error,
            **_facts(item),
            node=self._node,
        )


def follow(bundle: Bundle, *, node: str) -> Trace | None:
    """The trace of a bundle that begins; None if nobody wants it."""
    if not bundle.traceparent:
        return None
    single = len(bundle.items) == 1
    span = tracing.begin(
        "subtask.run" if single else "bundle.run",
        parent=bundle.traceparent,
        job=bundle.job,
        task=bundle.task,
        bundle=bundle.id,
        items=len(bundle.items),
        node=node,
        **(_facts(bundle.items[0]) if single else {}),
    )
    return span and Trace(bundle, span, node=node)


def _facts(item: tuple[int, int, int, Any]) -> dict[str, int]:
    subtask, index, number, _ = item
    return {"subtask": subtask, "index": index, "attempt": number}
