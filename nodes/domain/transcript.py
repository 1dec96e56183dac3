"""What of an attempt's output is kept: its beginning as it comes, its end once it is over."""

import codecs

#: Of each attempt's output so much is kept from its beginning, and from its end.
HEAD_BYTES = TAIL_BYTES = 32 * 1024
#: How the bytes begin that go on with a letter of UTF-8, and how many of them there can be.
CONTINUATION, LETTER_BYTES = 0b10, 4


def begin(data: bytes) -> tuple[str, int]:
    """What can be told of it now, and of how many bytes: of a letter in pieces the rest is to come.

    Bytes that are no UTF-8 become �.
    """
    text, told = codecs.utf_8_decode(data, "replace", False)
    return _clean(text), told


def close(data: bytes, *, cut: int) -> str:
    """The end of the output, under a line that says how many bytes were cut before it."""
    if not cut:
        return _clean(data.decode(errors="replace"))
    begun = _first_letter(data)
    text = _clean(data[begun:].decode(errors="replace"))
    return f"\n--- {cut + begun:,} bytes were cut here ---\n{text}"


def _first_letter(data: bytes) -> int:
    """Where the first letter begins that was not cut in two; 0 in what is no UTF-8."""
    begun = next((n for n, byte in enumerate(data) if byte >> 6 != CONTINUATION), LETTER_BYTES)
    return begun if begun < LETTER_BYTES else 0


def _clean(text: str) -> str:
    """Text that every database takes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
