"""What of an attempt's output is kept: its beginning as it comes, its end once it is over."""

import codecs

#: Of each attempt's output so much is kept from its beginning, and from its end.
HEAD_BYTES = TAIL_BYTES = 32 * 1024
#: How the bytes begin that go on with a letter of UTF-8, and how many of them there can be.
CONTINUATION, LETTER_BYTES = 0b10, 4


class Transcript:
    """One attempt's output, byte by byte in, as text out. Bytes that are no UTF-8 become �."""

    def __init__(self, *, head: int = HEAD_BYTES, tail: int = TAIL_BYTES) -> None:
        self._left, self._most = head, tail
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._tail = bytearray()
        self._cut = 0

    def feed(self, data: bytes) -> str:
        """Take more output in; what of it can be told now."""
        if not self._left:
            self._keep_end(data)
            return ""
        begun, rest = data[: self._left], data[self._left :]
        self._left -= len(begun)
        text = self._decoder.decode(begun)
        if not self._left:
            # A letter that is cut in two here belongs to the end, which has that much more room.
            begun_letter = self._decoder.getstate()[0]
            self._most += len(begun_letter)
            self._keep_end(begun_letter + rest)
        return _clean(text)

    def close(self) -> str:
        """The output is over; what has not been told of it, and how much was cut before that."""
        if self._left:
            return _clean(self._decoder.decode(b"", final=True))
        if not self._cut:
            return _clean(self._tail.decode(errors="replace"))
        begun = _first_letter(self._tail)
        text = self._tail[begun:].decode(errors="replace")
        return f"\n--- {self._cut + begun:,} bytes were cut here ---\n{_clean(text)}"

    def _keep_end(self, data: bytes) -> None:
        self._tail += data
        if (excess := len(self._tail) - self._most) > 0:
            del self._tail[:excess]
            self._cut += excess


def _first_letter(data: bytearray) -> int:
    """Where the first letter begins that was not cut in two; 0 in what is no UTF-8."""
    begun = next((n for n, byte in enumerate(data) if byte >> 6 != CONTINUATION), LETTER_BYTES)
    return begun if begun < LETTER_BYTES else 0


def _clean(text: str) -> str:
    """Text that every database takes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
