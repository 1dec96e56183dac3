"""Counting words: a map over texts, and a reduction of what they give."""

import re
from collections import Counter
from typing import Any

from jobs import task

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


@task("word_count.count", timeout=60)
def count(ctx: Any, item: dict[str, str], *, least: int = 4) -> dict[str, Any]:
    """How often each word of `least` letters or more occurs in one text."""
    words = [word.lower() for word in WORD.findall(item["text"]) if len(word) >= least]
    ctx.log(f"{item['name']}: {len(words)} words")
    return {"name": item["name"], "words": len(words), "counts": Counter(words)}


@task("word_count.merge")
def merge(ctx: Any, results: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
    """The texts together: how many words, and how often each occurs, the most frequent first."""
    total: Counter[str] = Counter()
    for row in results:
        total.update(row["counts"])
    return {"words": total.total(), "counts": dict(total.most_common())}
