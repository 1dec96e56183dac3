"""How a slot comes by its bundles: it waits for one, or takes the next one along with a report.

While one bundle waits behind the other, a slot that has its queue to itself asks Redis once for
each: with the report of one it pops the next, reads it, and looks which one comes after that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hive_site.kernel.redis import Direct, pairs
from nodes import wire

POP_SECONDS = 1
Command = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Popped:
    """A bundle that is ours now. `fields` are those of RQ's job, if they came along."""

    id: str
    fields: dict[bytes, bytes] | None = None


class Popper:
    """One slot's. `alone`: nobody else pops from the node's queue."""

    def __init__(self, direct: Direct, node: str, *, alone: bool) -> None:
        self._direct, self._node, self._alone = direct, node, alone
        self._guess = ""

    def wait(self) -> Popped | None:
        """The next bundle, if one comes soon. Raises `RedisError` or `OSError`."""
        [popped] = self._direct.ask(wire.pop_command(self._node, seconds=POP_SECONDS))
        return Popped(popped.decode()) if popped else None

    def fetch(self, popped: Popped) -> dict[bytes, bytes]:
        """The fields of RQ's job; none if there is no such job. Raises `RedisError`, `OSError`."""
        if popped.fields:
            return popped.fields
        [fields] = self._direct.ask(("HGETALL", wire.bundle_key(popped.id)))
        return dict(pairs(fields))

    def commands(self) -> list[Command]:
        """What pops the next bundle, to be sent along with something else."""
        commands: list[Command] = [wire.pop_command(self._node)]
        if self._alone:
            commands.append(("LINDEX", wire.queue_key(self._node), 0))
        if self._guess:
            commands.append(("HGETALL", wire.bundle_key(self._guess)))
        return commands

    def read(self, answers: Sequence[Any]) -> Popped | None:
        """The bundle in the answers to those commands, if there was one."""
        guess, self._guess = self._guess, ""
        popped, *others = answers
        if self._alone and others[0]:
            self._guess = others[0].decode()
        if not popped:
            return None
        was_guessed = popped.decode() == guess
        return Popped(popped.decode(), dict(pairs(others[-1])) if was_guessed else None)
