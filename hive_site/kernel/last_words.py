"""What a process still has to tell when it ends, where no `atexit` of Python's is called."""

from collections.abc import Callable

_speakers: list[Callable[[], object]] = []


def at_last(speak: Callable[[], object]) -> None:
    """Have this called once before the process ends. It must not take long."""
    _speakers.append(speak)


def say_last_words() -> None:
    """Call whoever has something to tell."""
    while _speakers:
        _speakers.pop()()
