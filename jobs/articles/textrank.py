"""Summaries by TextRank: R. Mihalcea, P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004.

Sentences are the nodes of a graph; two are linked as strongly as they share words. PageRank on
that graph finds the sentences that the others speak of.
"""

import re
from math import log

from jobs.articles.sentences import is_prose, split_sentences

DAMPING = 0.85
ROUNDS = 50
CLOSE_ENOUGH = 1e-4
#: What comes later is not considered: the graph grows with the square.
MAX_SENTENCES = 400
MAX_CHARS = 400_000
#: The longest sentence that a summary quotes whole.
QUOTED_CHARS = 1000
WORD = re.compile(r"\w{2,}")
COMMON = frozenset(
    """the of and to in is it that for on as with are be this by an or at from which you can not
    has have was were will if its all but we your they their more also use used using when into
    """.split()  # noqa: SIM905 a list of words reads best as words
)


def summarise(text: str, *, sentences: int) -> str:
    """The `sentences` highest ranked sentences of a text, in their order.

    Headings and lists are passed over where there is prose enough.
    """
    found = split_sentences(text[:MAX_CHARS])
    prose = [sentence for sentence in found if is_prose(sentence)]
    chosen = (prose if len(prose) >= sentences else found)[:MAX_SENTENCES]
    scores = rank(chosen)
    best = sorted(range(len(chosen)), key=lambda i: (-scores[i], i))[:sentences]
    return " ".join(_quote(chosen[i]) for i in sorted(best))


def rank(sentences: list[str]) -> list[float]:
    """The TextRank score of each sentence: 0.15 if it shares no word, 1 on average at most."""
    bags = [frozenset(w.lower() for w in WORD.findall(s)) - COMMON for s in sentences]
    links = _links(bags)
    totals = [sum(row.values()) for row in links]
    scores = [1.0] * len(sentences)
    for _ in range(ROUNDS):
        fresh = [
            1 - DAMPING + DAMPING * sum(w * scores[j] / totals[j] for j, w in row.items())
            for row in links
        ]
        moved = max((abs(a - b) for a, b in zip(fresh, scores, strict=True)), default=0.0)
        scores = fresh
        if moved < CLOSE_ENOUGH:
            break
    return scores


def _links(bags: list[frozenset[str]]) -> list[dict[int, float]]:
    """The paper's similarity (§4.1): shared words over the sum of the logarithms of the lengths."""
    links: list[dict[int, float]] = [{} for _ in bags]
    sizes = [log(len(bag)) if bag else 0.0 for bag in bags]
    for i, bag in enumerate(bags):
        for j in range(i):
            length = sizes[i] + sizes[j]
            if length and (shared := len(bag & bags[j])):
                links[i][j] = links[j][i] = shared / length
    return links


def _quote(sentence: str) -> str:
    if len(sentence) <= QUOTED_CHARS:
        return sentence
    return sentence[: QUOTED_CHARS - 1].rpartition(" ")[0] + "…"
