"""Takes a text apart into sentences."""

import re

#: Where a sentence may end: its marks, then closing quotes and brackets, then a space.
END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’»)\]]{0,3} |[。！？]+[」』”’]{0,3} ?")
ENDED = re.compile(r"[.!?…。！？][\"'”’»」』)\]]{0,3}$")
BULLET = re.compile(r"^(?:[-*•–>#|]+|\d{1,3}[.)])\s+")
LAST_WORD = re.compile(r"[\w.]*$")
#: How near its mark an abbreviation lies.
LAST_CHARS = 20
INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof st jr sr vs etc cf al fig vol pp ca approx inc ltd corp
    jan feb apr aug sept oct nov dec gen gov bzw usw""".split()  # noqa: SIM905 words read best so
)


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order; a line's end is a sentence's end."""
    lines = (BULLET.sub("", " ".join(line.split())) for line in text.splitlines())
    return [sentence for line in lines for sentence in _split_line(line)]


def is_prose(sentence: str) -> bool:
    """Whether it reads as a sentence: ended by a mark, neither a heading nor an endless list."""
    return 5 <= sentence.count(" ") + 1 <= 60 and bool(ENDED.search(sentence[-4:]))


def _split_line(line: str) -> list[str]:
    found, start = [], 0
    for end in END.finditer(line):
        before = line[max(start, end.start() - LAST_CHARS) : end.start()]
        if not _goes_on(before, end.group(), line[end.end() : end.end() + 2]):
            found.append(line[start : end.end()].strip())
            start = end.end()
    found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def _goes_on(before: str, mark: str, after: str) -> bool:
    """Whether a mark does not end its sentence: an abbreviation, an initial, a small letter."""
    if after.lstrip("\"'“‘«([")[:1].islower():
        return True
    last = LAST_WORD.search(before)
    word = last.group().lower() if last else ""
    return mark == ". " and (word in ABBREVIATIONS or bool(INITIALS.fullmatch(word)))
