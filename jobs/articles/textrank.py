"""Summaries by TextRank: R. Mihalcea, P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004.

Sentences are the nodes of a graph; two are linked as strongly as they share words. PageRank on
that graph finds the sentences that the others speak of.
"""

import re
from math import log

DAMPING = 0.85
ROUNDS = 50
CLOSE_ENOUGH = 1e-5
#: Later sentences are not considered: the graph grows with the square.
MAX_SENTENCES = 400
END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-ÖØ-Þ])")
WORD = re.compile(r"\w{2,}")
COMMON = frozenset(
    """the of and to in is it that for on as with are be this by an or at from which you can not
    has have was were will if its all but we your they their more also use used using when into
    """.split()  # noqa: SIM905 a list of words reads best as words
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a paragraph's end is a sentence's end."""
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n+", text))
    return [s for part in paragraphs if part for s in END.split(part) if s.strip()]


def rank(sentences: list[str]) -> list[float]:
    """The TextRank score of each sentence; they add up to about the number of sentences."""
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
    """Equation 2 of the paper: shared words over the logarithms of the lengths."""
    links: list[dict[int, float]] = [{} for _ in bags]
    sizes = [log(len(bag)) if len(bag) > 1 else 0.0 for bag in bags]
    for i, bag in enumerate(bags):
        for j in range(i):
            length = sizes[i] + sizes[j]
            if length and (shared := len(bag & bags[j])):
                links[i][j] = links[j][i] = shared / length
    return links


def summarise(text: str, *, sentences: int) -> str:
    """The `sentences` highest ranked sentences of a text, in their order."""
    found = split_sentences(text)[:MAX_SENTENCES]
    if len(found) <= sentences:
        return " ".join(found)
    scores = rank(found)
    best = sorted(range(len(found)), key=lambda i: (-scores[i], i))[:sentences]
    return " ".join(found[i] for i in sorted(best))
