"""Child processes that never outlive the one who started them.

Every child leads a session of its own, so that Ctrl-C reaches only the parent and the parent
decides the order of the end. Should the parent itself be killed, the kernel tells the children
(`PR_SET_PDEATHSIG`, prctl(2)); that is Linux only, elsewhere a killed parent leaves them behind.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from hive_site.kernel.errors import HiveError

PR_SET_PDEATHSIG = 1
MAX_LOG_BYTES = 20 * 1024 * 1024
TAIL_BYTES = 8192
LOOK_EVERY_SECONDS = 0.02

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start one child."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    #: Given on standard input, where no other user can read it.
    stdin: str = field(default="", repr=False)
    #: What the kernel sends it when the parent dies.
    orphan_signal: signal.Signals = signal.SIGKILL
    inherits: tuple[int, ...] = ()


class Interrupted(HiveError):
    """Someone asked to stop before it was done."""


class Child:
    """One running child and its log."""

    def __init__(self, recipe: Recipe, *, logs: Path) -> None:
        self.recipe = recipe
        self.log = logs / f"{recipe.name}.log"
        self.born_at = time.monotonic()
        self._process, self._log_from = _launch(recipe, self.log)

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def end(self) -> str:
        """How it ended, in words: "exit code 1" or "SIGKILL"."""
        code = self._process.poll()
        if code is None:
            return "still running"
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def ask_to_stop(self) -> None:
        """Send SIGTERM; nothing happens if it has ended."""
        if self.alive:
            self._process.terminate()

    def kill(self) -> None:
        """End it and whatever it left in its process group, now."""
        if self.alive:
            # Not reaped yet, so its number cannot have become someone else's group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()

    def said(self) -> str:
        """What it wrote to its log since it started (the end of it)."""
        with self.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(self._log_from, size - TAIL_BYTES))
            return file.read().decode(errors="replace")

    def last_words(self, *, lines: int = 3) -> str:
        """The last lines of its log since it started."""
        return "\n".join(self.said().strip().splitlines()[-lines:])


def stop_all(children: Sequence[Child], *, patience: float, hurry: Event | None = None) -> None:
    """Ask all of them to stop; kill who still runs after `patience` seconds, or once in a hurry."""
    for child in children:
        child.ask_to_stop()
    give_up_at = time.monotonic() + patience
    while any(child.alive for child in children) and time.monotonic() < give_up_at:
        if hurry is not None and hurry.is_set():
            break
        time.sleep(LOOK_EVERY_SECONDS)
    for child in children:
        child.kill()


def run_to_end(recipe: Recipe, *, logs: Path, timeout: float, stop: Event) -> str:
    """What a short child printed. Raises `HiveError` with its last words if it failed."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{recipe.name}.log"
    with log.open("wb") as complaints, _open_pipe(recipe, complaints.fileno()) as process:
        try:
            printed = _read_all(process, recipe.name, timeout=timeout, stop=stop)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        words = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        raise HiveError(f"{recipe.name} failed: {words[-1]} (see {log})")
    return printed


def _read_all(process: "subprocess.Popen[str]", name: str, *, timeout: float, stop: Event) -> str:
    give_up_at = time.monotonic() + timeout
    while True:
        try:
            return process.communicate(timeout=0.1)[0]
        except subprocess.TimeoutExpired:
            if stop.is_set():
                raise Interrupted(f"stopped during {name}") from None
            if time.monotonic() > give_up_at:
                raise HiveError(f"{name} took over {timeout:.0f} s") from None


def _open_pipe(recipe: Recipe, complaints: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        list(recipe.argv),
        env=dict(recipe.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
        start_new_session=True,
        preexec_fn=_die_with_parent(signal.SIGKILL),  # noqa: PLW1509
    )


def _launch(recipe: Recipe, log: Path) -> "tuple[subprocess.Popen[bytes], int]":
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as file:
        # Before it can write: the child shares our place in the file.
        start = file.seek(0, os.SEEK_END)
        process = subprocess.Popen(
            list(recipe.argv),
            env=dict(recipe.env),
            stdin=subprocess.PIPE if recipe.stdin else subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=recipe.inherits,
            start_new_session=True,
            preexec_fn=_die_with_parent(recipe.orphan_signal),  # noqa: PLW1509
        )
    if process.stdin:
        # It may have died already; then its log says why.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(recipe.stdin.encode())
    return process, start


def _die_with_parent(signum: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec.

    Only there is the child a process of its own that is not yet the program; the setting
    survives exec, and no wrapper process has to stay in between. It makes one system call and
    takes no locks, which is what keeps it safe in a parent with threads. The kernel watches the
    *thread* that forked: start children from the main thread.
    """
    libc, parent = _libc, os.getpid()
    if libc is None:
        return None

    def bind_fate() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return bind_fate
