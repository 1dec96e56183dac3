"""What programs print for a terminal, as pieces of plain text with a colour each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Colours and styles. Whatever else a terminal is told (to move, to clear, to ring) is dropped.
STYLE = re.compile(r"\x1b\[([0-9;]{0,40})m")
OTHER = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]|\x1b"
)
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text. `style`: "", or words for its colour and weight."""

    text: str
    style: str


def colour(text: str) -> list[Piece]:
    """The text in pieces; where a line was written over, its last version."""
    return [Piece(shown, style) for raw, style in _split(text) if (shown := _plain(raw))]


def _split(text: str) -> Iterator[tuple[str, str]]:
    at, tone, bold = 0, "", False
    for mark in STYLE.finditer(text):
        yield text[at : mark.start()], _words(tone, bold)
        at = mark.end()
        for code in (int(part or 0) for part in mark[1].split(";")[:20]):
            tone, bold = _apply(code, tone, bold)
    yield text[at:], _words(tone, bold)


def _apply(code: int, tone: str, bold: bool) -> tuple[str, bool]:
    if code == 0:
        return "", False
    if code in (1, 22):
        return tone, code == 1
    if code == 39:
        return "", bold
    if 30 <= code <= 37 or 90 <= code <= 97:
        return NAMES[code % 10], bold
    return tone, bold


def _words(tone: str, bold: bool) -> str:
    return " ".join(word for word in (tone and f"t-{tone}", "t-bold" if bold else "") if word)


def _plain(text: str) -> str:
    text = OTHER.sub("", text).replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
