"""Counting words, the first map-reduce of everybody."""

import re
from collections import Counter
from typing import Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context
from jobs.tasks.items import string

WORD = re.compile(r"\w+(?:['’]\w+)*")


@task("text.word_count")
def word_count(ctx: Context, item: str) -> dict[str, int]:
    """How often each word occurs, in lower case."""
    return Counter(word.lower() for word in WORD.findall(string(item, what="the item")))


@task("text.merge_counts")
def merge_counts(ctx: Context, item: list[dict[str, int]]) -> dict[str, int]:
    """The sum of word counts, the most frequent first."""
    if not isinstance(item, list) or not all(map(_is_counts, item)):
        raise Fail("give a list of {word: n}, as text.word_count returns them")
    total: Counter[str] = Counter()
    for counts in item:
        total.update(counts)
    return dict(sorted(total.items(), key=lambda pair: (-pair[1], pair[0])))


def _is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(count, int) for count in value.values())
