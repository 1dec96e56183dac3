"""What the Hive uses of Redis, in memory and on a simulated clock.

Fast enough for hours of a cluster in seconds. `test_ether.py` holds it against the real verbs.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Any

from tests.simulation.verbs import VERBS

Entry = tuple[bytes, dict[bytes, bytes]]


def text(value: Any) -> str:
    """A key, whatever it came as."""
    return value.decode() if isinstance(value, bytes) else str(value)


def data(value: Any) -> bytes:
    """A value as Redis keeps it."""
    return value if isinstance(value, bytes) else str(value).encode()


class Ether:
    """One Redis. `clock` gives Unix seconds; `hear` is told of everything that others wait for."""

    def __init__(
        self, clock: Callable[[], float], hear: Callable[[str], None] = lambda key: None
    ) -> None:
        self._clock, self._hear = clock, hear
        #: Names of connections, each with the channel it listens to.
        self.connected: list[tuple[str, str]] = []
        self.down = False
        self.flushall()

    def flushall(self) -> None:
        """Lose every key."""
        self._keys: dict[str, Any] = {}
        self._ends: dict[str, float] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def _get(self, key: Any, default: Any) -> Any:
        name = text(key)
        if self._ends.get(name, self._clock() + 1) <= self._clock():
            self.delete(name)
        return self._keys.get(name, default)

    def _open(self, key: Any, empty: Any) -> Any:
        self._get(key, None)
        return self._keys.setdefault(text(key), empty)

    def _tidy(self, key: Any) -> None:
        if not self._keys.get(text(key), True):
            self.delete(key)

    def ping(self) -> bool:
        return True

    def time(self) -> tuple[int, int]:
        micros = round(self._clock() * 1_000_000)
        return micros // 1_000_000, micros % 1_000_000

    def info(self) -> dict[str, Any]:
        return {"used_memory": len(self._keys)}

    def delete(self, *keys: Any) -> int:
        found = [self._keys.pop(text(key), None) for key in keys]
        for key in keys:
            self._ends.pop(text(key), None)
        return sum(1 for value in found if value is not None)

    def exists(self, key: Any) -> int:
        return int(self._get(key, None) is not None)

    def expire(self, key: Any, seconds: Any) -> int:
        if not self.exists(key):
            return 0
        self._ends[text(key)] = self._clock() + float(seconds)
        return 1

    def ttl(self, key: Any) -> int:
        if not self.exists(key):
            return -2
        end = self._ends.get(text(key))
        return -1 if end is None else round(end - self._clock())

    def type(self, key: Any) -> bytes:
        kinds = {bytes: b"string", dict: b"hash", list: b"list", set: b"set", Stream: b"stream"}
        return kinds.get(type(self._get(key, None)), b"none")

    def scan_iter(self, match: str, count: int = 0) -> Iterable[bytes]:
        names = [name for name in list(self._keys) if self.exists(name)]
        return [name.encode() for name in names if fnmatchcase(name, match)]

    def get(self, key: Any) -> bytes | None:
        return self._get(key, None)

    def set(self, key: Any, value: Any, ex: float | None = None, get: bool = False) -> Any:
        before = self.get(key)
        self.delete(key)
        self._keys[text(key)] = data(value)
        if ex is not None:
            self.expire(key, ex)
        return before if get else True

    def getrange(self, key: Any, start: int, end: int) -> bytes:
        return (self.get(key) or b"")[start : end + 1]

    def mget(self, *keys: Any) -> list[bytes | None]:
        return [self.get(key) for key in keys]

    def strlen(self, key: Any) -> int:
        return len(self.get(key) or b"")

    def sadd(self, key: Any, *members: Any) -> int:
        kept = self._open(key, set())
        before = len(kept)
        kept.update(map(data, members))
        return len(kept) - before

    def srem(self, key: Any, *members: Any) -> int:
        kept = self._open(key, set())
        before = len(kept)
        kept.difference_update(map(data, members))
        left = before - len(kept)
        self._tidy(key)
        return left

    def smembers(self, key: Any) -> frozenset[bytes]:
        return frozenset(self._get(key, ()))

    def hset(self, key: Any, *pairs: Any) -> int:
        kept = self._open(key, {})
        fresh = {data(name) for name in pairs[::2]} - kept.keys()
        for name, value in zip(pairs[::2], pairs[1::2], strict=True):
            kept[data(name)] = data(value)
        return len(fresh)

    def hsetnx(self, key: Any, name: Any, value: Any) -> int:
        return 0 if data(name) in self._get(key, {}) else self.hset(key, name, value)

    def hget(self, key: Any, name: Any) -> bytes | None:
        return self._get(key, {}).get(data(name))

    def hgetall(self, key: Any) -> dict[bytes, bytes]:
        return dict(self._get(key, {}))

    def hkeys(self, key: Any) -> list[bytes]:
        return list(self._get(key, {}))

    def hlen(self, key: Any) -> int:
        return len(self._get(key, {}))

    def hstrlen(self, key: Any, name: Any) -> int:
        return len(self.hget(key, name) or b"")

    def hdel(self, key: Any, *names: Any) -> int:
        kept = self._get(key, {})
        gone = [kept.pop(data(name), None) for name in names]
        self._tidy(key)
        return sum(1 for value in gone if value is not None)

    def rpush(self, key: Any, *values: Any) -> int:
        kept = self._open(key, [])
        kept.extend(map(data, values))
        self._hear(text(key))
        return len(kept)

    def ltrim(self, key: Any, first: int, last: int) -> bool:
        kept = self.lrange(key, first, last)
        self.delete(key)
        if kept:
            self.rpush(key, *kept)
        return True

    def lrange(self, key: Any, first: int, last: int) -> list[bytes]:
        kept = self._get(key, [])
        return kept[first : len(kept) if last == -1 else last + 1]

    def lrem(self, key: Any, count: int, value: Any) -> int:
        kept, wanted = self._get(key, []), data(value)
        found = [at for at, one in enumerate(kept) if one == wanted]
        for at in reversed(found[: count or None]):
            del kept[at]
        self._tidy(key)
        return len(found[: count or None])

    def lpop(self, key: Any, count: int) -> list[bytes] | None:
        kept = self._get(key, [])
        taken, kept[:count] = kept[:count], []
        self._tidy(key)
        return taken or None

    def lmove(self, source: Any, target: Any) -> bytes | None:
        """From the front of one list to the front of another, as RQ pops."""
        kept = self._get(source, [])
        if not kept:
            return None
        value = kept.pop(0)
        self._tidy(source)
        self._open(target, []).insert(0, value)
        return value

    def xadd(
        self, key: Any, fields: dict[str, Any], maxlen: int | None = None, approximate: bool = True
    ) -> bytes:
        stream, now = self._open(key, Stream()), int(self._clock() * 1000)
        ms, seq = self._last.get(text(key), (0, 0))
        self._last[text(key)] = at = (now, 0) if now > ms else (ms, seq + 1)
        stream.append((at, {data(name): data(value) for name, value in fields.items()}))
        if maxlen is not None and not approximate:
            del stream[:-maxlen]
        self._hear(text(key))
        return spell(at)

    def lose_newest(self, key: str) -> None:
        """An entry that was written is gone."""
        del self._get(key, [])[-1:]

    def xlen(self, key: Any) -> int:
        return len(self._get(key, ()))

    def xrevrange(self, key: Any, count: int) -> list[Entry]:
        return [(spell(at), row) for at, row in list(self._get(key, ()))[: -count - 1 : -1]]

    def xread(
        self, streams: dict[str, str], count: int | None = None, block: int | None = None
    ) -> list[list[Any]]:
        """Never blocks: who waits is told by `hear`."""
        answer = []
        for key, after in streams.items():
            rows = [(spell(at), row) for at, row in self._get(key, ()) if at > read_id(after)]
            if rows:
                answer.append([key.encode(), rows[:count]])
        return answer

    def xtrim(self, key: Any, minid: str, approximate: bool = True) -> int:
        stream = self._get(key, Stream())
        before = len(stream)
        stream[:] = [entry for entry in stream if entry[0] >= read_id(minid)]
        return before - len(stream)

    def publish(self, channel: Any, message: Any) -> int:
        self._hear(text(channel))
        return self._listeners()[text(channel)]

    def execute_command(self, *words: Any) -> Any:
        assert words[:2] == ("PUBSUB", "NUMSUB"), words
        heard = self._listeners()
        return [part for name in words[2:] for part in (data(name), heard[text(name)])]

    def client_list(self) -> list[dict[str, str]]:
        return [{"name": name} for name, _ in self.connected]

    def _listeners(self) -> Counter[str]:
        return Counter(channel for _, channel in self.connected)

    def evalsha(self, sha: str, count: int, *rest: Any) -> Any:
        keys, args = rest[:count], rest[count:]
        return VERBS[sha](self, list(map(text, keys)), list(map(data, args)))

    def script_load(self, source: str) -> str:
        return source


class Stream(list[tuple[tuple[int, int], dict[bytes, bytes]]]):
    """Entries by id. Redis keeps a stream that was emptied."""

    def __bool__(self) -> bool:
        return True


def spell(at: tuple[int, int]) -> bytes:
    """An entry's id as Redis writes it."""
    return b"%d-%d" % at


def read_id(entry: str) -> tuple[int, int]:
    """An entry's id as numbers; "$" is after whatever there is."""
    if entry == "$":
        return sys.maxsize, 0
    ms, _, seq = entry.partition("-")
    return int(ms), int(seq or 0)
