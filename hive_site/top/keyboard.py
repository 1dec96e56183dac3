"""Keys of a terminal, one at a time, and the terminal as it was afterwards."""

import os
import re
import select
import sys
import termios
import tty
from types import TracebackType

#: What terminals send for keys that are no letters.
NAMED = {b"\x1b[A": "up", b"\x1bOA": "up", b"\x1b[B": "down", b"\x1bOB": "down"}
MORE = {b"\x1b[5~": "page up", b"\x1b[6~": "page down", b"k": "up", b"j": "down"}
KEYS = {**NAMED, **MORE}
MOST_BYTES = 64
#: One key of those that came together: a sequence of a terminal, or a byte.
KEY = re.compile(rb"\x1b(?:\[[0-9;]*[@-~]|O[@-~])|.", re.DOTALL)


class Keyboard:
    """A context in which keys come as they are pressed, without being shown. Ctrl-C stays."""

    def __enter__(self) -> "Keyboard":
        self._file = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._file)
        self._pressed: list[bytes] = []
        tty.setcbreak(self._file)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        termios.tcsetattr(self._file, termios.TCSADRAIN, self._before)

    def wait(self, seconds: float) -> str:
        """The next key by its name, empty if none came; "end" if none can come any more."""
        if not self._pressed:
            readable, _, _ = select.select([self._file], [], [], seconds)
            if not readable:
                return ""
            # Whoever holds a key down presses several while one picture is drawn.
            self._pressed = KEY.findall(os.read(self._file, MOST_BYTES)) or [b""]
        pressed = self._pressed.pop(0)
        return KEYS.get(pressed, pressed.decode("ascii", "replace")) if pressed else "end"
