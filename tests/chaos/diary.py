"""Reads what the tasks wrote down."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """That an attempt began or ended. `at` is on the monotonic clock, which processes share."""

    event: str
    job: str
    index: int
    attempt: int
    node: str
    pid: int
    at: float


class Diary:
    """The file that all tasks of one cluster write to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def entries(self, event: str = "", *, job: str = "", node: str = "") -> list[Entry]:
        """What was written so far, in order; only of that kind, job and node."""
        rows = [Entry(**json.loads(line)) for line in self.path.read_text().splitlines()]
        return [
            row
            for row in rows
            if event in ("", row.event) and job in ("", row.job) and node in ("", row.node)
        ]

    def began(self, *, job: str = "", node: str = "") -> list[Entry]:
        """The attempts that began."""
        return self.entries("began", job=job, node=node)

    def running(self, node: str) -> set[tuple[str, int]]:
        """What began on a node and has not ended there: job and index."""
        ended = {(row.job, row.index) for row in self.entries("ended", node=node)}
        return {(row.job, row.index) for row in self.began(node=node)} - ended

    def times_run(self, job: str) -> Counter[int]:
        """How often each item of a job began."""
        return Counter(row.index for row in self.began(job=job))
