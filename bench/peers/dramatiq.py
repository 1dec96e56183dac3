"""Dramatiq: messages one by one (it has nothing for many), results by a blocking read of each."""

from collections.abc import Callable, Sequence
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from bench.peers.place import RESULT_TTL_SECONDS, redis_url
from bench.plain import WORK
from bench.timing import PATIENCE_SECONDS

broker = RedisBroker(url=redis_url())
results = RedisBackend(url=redis_url())
broker.add_middleware(Results(backend=results, result_ttl=1000 * RESULT_TTL_SECONDS))
dramatiq.set_broker(broker)
ACTORS = {
    name: dramatiq.actor(run, actor_name=name, store_results=True) for name, run in WORK.items()
}


class Client:
    """A program that uses Dramatiq."""

    def map(self, work: str, items: Sequence[Any]) -> list[Any]:
        """See `bench.timing.Client`."""
        actor = ACTORS[work]
        return [_result_of(message) for message in [actor.send(item) for item in items]]

    def submit(self, work: str, item: Any) -> Callable[[], Any]:
        """See `bench.timing.Client`."""
        message = ACTORS[work].send(item)
        return lambda: _result_of(message)


def _result_of(message: "dramatiq.Message[Any]") -> Any:
    return message.get_result(block=True, timeout=1000 * PATIENCE_SECONDS)
