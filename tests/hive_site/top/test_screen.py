"""`hive top` on a real terminal: keys, Ctrl-C, and the terminal afterwards."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from hive_site.configuration import PROJECT

PATIENCE = 30.0
ALTERNATE, NORMAL = "\x1b[?1049h", "\x1b[?1049l"
#: What a shell may export.
SHELL = {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
SHOW_CURSOR = "\x1b[?25h"


class Terminal:
    """A process on a terminal of its own."""

    def __init__(self, *, rows=24, columns=80) -> None:
        self.front, self.back = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.back)
        self.said = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.hive_site.top.stage"],
            stdin=self.back,
            stdout=self.back,
            stderr=self.back,
            cwd=PROJECT,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLUMNS": "80",
                "PYTHONIOENCODING": "utf-8",
            },
            start_new_session=True,
            preexec_fn=self._take,  # noqa: PLW1509 nobody else runs here
        )

    def _take(self):
        fcntl.ioctl(self.back, termios.TIOCSCTTY, 0)

    def resize(self, rows, columns):
        fcntl.ioctl(self.back, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: bytes):
        os.write(self.front, keys)

    def until(self, text: str):
        """Read until the screen was told this; from there on nothing is remembered."""
        give_up_at = time.monotonic() + PATIENCE
        while text not in self.said:
            assert time.monotonic() < give_up_at, f"never {text!r} in {self.said[-2000:]!r}"
            self._read()
        self.said = self.said.partition(text)[2]

    def end(self) -> int:
        """Its exit code; whatever it said until then is in `said`."""
        give_up_at = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < give_up_at, "it goes on"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def _read(self) -> bool:
        readable, _, _ = select.select([self.front], [], [], 0.1)
        if readable:
            self.said += os.read(self.front, 65536).decode("utf-8", "replace")
        return bool(readable)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.front)
        os.close(self.back)


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.close()


def is_restored(terminal):
    after = termios.tcgetattr(terminal.back)
    return after == terminal.before and NORMAL in terminal.said and SHOW_CURSOR in terminal.said


def test_q_ends_it_and_the_terminal_is_as_before(terminal):
    terminal.until(ALTERNATE)
    terminal.until("look-1")

    terminal.press(b"q")

    assert terminal.end() == 0
    assert is_restored(terminal)


def test_keys_that_come_together_count_each(terminal):
    terminal.until("look-1")

    terminal.press(b"\x1b[B\x1b[6~sq")

    assert terminal.end() == 0


def test_ctrl_c_ends_it_and_the_terminal_is_as_before(terminal):
    terminal.until("look-1")

    terminal.press(b"\x03")

    assert terminal.end() != 0
    assert is_restored(terminal)


def test_a_signal_ends_it_and_the_terminal_is_as_before(terminal):
    terminal.until("look-1")

    terminal.process.send_signal(signal.SIGTERM)

    assert terminal.end() == 128 + signal.SIGTERM
    assert is_restored(terminal)


def test_keys_sort_pause_and_scroll(terminal):
    terminal.until("by load")
    terminal.press(b"s")
    terminal.until("by cpu")
    terminal.press(b"p")
    terminal.until("PAUSED")
    terminal.press(b"s")
    terminal.until("by memory")
    terminal.press(b"s")
    terminal.until("by name")
    terminal.press(b"\x1b[6~")
    terminal.until("n2")
    terminal.press(b"q")

    assert terminal.end() == 0


def test_an_outage_is_shown_and_passes(terminal):
    terminal.until("look-2")
    terminal.until("no answer")
    terminal.until("look-10")
    terminal.press(b"q")

    assert terminal.end() == 0


def test_it_follows_the_size_of_the_terminal(terminal):
    terminal.until("look-1")

    terminal.resize(30, 160)

    terminal.until("tried again")
    terminal.press(b"q")
    assert terminal.end() == 0
