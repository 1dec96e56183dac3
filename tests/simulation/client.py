"""One process's connection to the Redis in memory. Everything it asks passes its gate."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.simulation.ether import Ether
from tests.simulation.raw import Raw
from tests.simulation.verbs import VERBS

#: Entered around every round trip of so many commands. Tells how many of them take effect, and
#: raises on the way in or out if the connection breaks.
Gate = Callable[[int], AbstractContextManager[int]]


class Client:
    """Looks like `redis.Redis` to the parts of the Hive."""

    def __init__(self, ether: Ether, gate: Gate) -> None:
        self._ether, self._gate = ether, gate
        self.connection_pool = Raw(ether, gate)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        verb = getattr(self._ether, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            with self._gate(1) as reach:
                return verb(*args, **kwargs) if reach else None

        return call

    def pipeline(self, transaction: bool = True) -> "Pipeline":
        return Pipeline(self._ether, self._gate)

    def pubsub(self, **options: Any) -> "Client":
        return self

    def register_script(self, source: str) -> "Script":
        return Script(self, source)


class Pipeline:
    """Commands that travel together, and may arrive in part."""

    def __init__(self, ether: Ether, gate: Gate) -> None:
        self._ether, self._gate = ether, gate
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        verb = getattr(self._ether, name)
        return lambda *args, **kwargs: self._calls.append((verb, args, kwargs))

    def execute(self) -> list[Any]:
        calls, self._calls = self._calls, []
        if not calls:
            return []
        with self._gate(len(calls)) as reach:
            return [verb(*args, **kwargs) for verb, args, kwargs in calls[:reach]]


class Script:
    """A Lua verb that was registered."""

    def __init__(self, client: Client, source: str) -> None:
        self._client, self.script = client, source
        self.sha = hashlib.sha1(source.encode()).hexdigest()
        assert self.sha in VERBS, f"give this Lua verb a twin in verbs.py:\n{source}"

    def __call__(self, keys: list[Any], args: list[Any]) -> Any:
        return self._client.evalsha(self.sha, len(keys), *keys, *args)
