"""A bare connection to the Redis in memory, for those who send commands as they are."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from tests.simulation.ether import Ether

Words = Sequence[Any]


class Raw:
    """Looks like redis-py's `Connection`, and like a pool that has only this one."""

    def __init__(self, ether: Ether, gate: Callable[[int], AbstractContextManager[int]]) -> None:
        self._ether, self._gate = ether, gate
        self._answers: list[Any] = []

    def get_connection(self) -> "Raw":
        return self

    def pack_commands(self, commands: Sequence[Words]) -> Sequence[Words]:
        return commands

    def send_packed_command(self, commands: Sequence[Words], *, check_health: bool) -> None:
        if commands:
            with self._gate(len(commands)) as reach:
                self._answers = [run(self._ether, words) for words in commands[:reach]]

    def read_response(self) -> Any:
        return self._answers.pop(0)

    def can_read(self) -> bool:
        return bool(self._answers)

    def disconnect(self) -> None:
        self._answers = []


def run(ether: Ether, words: Words) -> Any:
    """What Redis answers to one command."""
    match words:
        case ("XADD", key, "*", *fields):
            return ether.xadd(key, dict(zip(fields[::2], fields[1::2], strict=True)))
        case ("XTRIM", key, "MINID", "=", entry):
            return ether.xtrim(key, minid=entry)
        case ("XREAD", "COUNT", count, "BLOCK", _, "STREAMS", *rest):
            return ether.xread(_halves(rest), count=count)
        case ("XREAD", "STREAMS", *rest):
            return ether.xread(_halves(rest))
        case ("DEL", *keys):
            return ether.delete(*keys)
        case (verb, *rest):
            return getattr(ether, verb.lower())(*rest)
    raise AssertionError(words)


def _halves(rest: list[Any]) -> dict[Any, Any]:
    middle = len(rest) // 2
    return dict(zip(rest[:middle], rest[middle:], strict=True))
