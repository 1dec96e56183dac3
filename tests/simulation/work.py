"""What simulated jobs are made of: an item says what running it will be like."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Any

from jobs.registry import task


@task("sim.work", backoff=(1, 2, 4))
def work(ctx: Any, item: Any) -> None:
    """May run twice."""


@task("sim.careful", backoff=(1, 2, 4), idempotent=False)
def careful(ctx: Any, item: Any) -> None:
    """Should not run twice at the same time."""


@task("sim.once", at_most_once=True)
def once(ctx: Any, item: Any) -> None:
    """Must never run twice."""


#: Kinds of items with which a subtask may fail by its own fault.
FAILING = {"fail", "poison", "hang"}
MIX = {"work": 60, "long": 20, "flaky": 10, "fail": 3, "poison": 3, "hang": 2}


def make_items(random: Random, count: int) -> list[dict[str, Any]]:
    """Items of all kinds. `takes` are seconds, `bad` is how many attempts fail."""
    kinds = random.choices(list(MIX), list(MIX.values()), k=count)
    return [_make_item(random, kind) for kind in kinds]


def _make_item(random: Random, kind: str) -> dict[str, Any]:
    takes = random.uniform(8, 25) if kind == "long" else random.expovariate(1 / 1.5)
    bad = {"flaky": random.randint(1, 3), "long": 0, "work": 0}.get(kind, 99)
    return {"does": kind, "takes": round(takes, 3), "bad": bad}


def behaviour(item: Any) -> dict[str, Any]:
    """What running an item is like; a reduction's item is the list of results."""
    return item if isinstance(item, dict) else {"does": "reduce", "takes": 0.5, "bad": 0}


def verdict(item: dict[str, Any], number: int) -> str:
    """How attempt `number` of an item ends, if nobody interferes: ok, fail, crash or hang."""
    if number > item["bad"]:
        return "ok"
    return {"poison": "crash", "hang": "hang"}.get(item["does"], "fail")


@dataclass
class Truth:
    """What really happened on the machines, whoever was told of it."""

    starts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    results: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    errors: Counter[int] = field(default_factory=Counter)
    crashes: Counter[int] = field(default_factory=Counter)
    _subtasks: dict[int, int] = field(default_factory=dict)

    def start(self, subtask: int, attempt: int) -> None:
        """An attempt's code began to run."""
        self.starts[subtask].append(attempt)
        self._subtasks[attempt] = subtask

    def succeed(self, subtask: int, attempt: int, index: int, item: Any) -> str:
        """An attempt returned; its result as JSON text."""
        of = [row["index"] for row in item] if isinstance(item, list) else None
        result = json.dumps({"attempt": attempt, "index": index, "of": of})
        self.results[subtask].add(result)
        return result

    def crash(self, attempt: int) -> None:
        """The process under an attempt died; 0 if it ran none."""
        if attempt:
            self.crashes[self._subtasks[attempt]] += 1
