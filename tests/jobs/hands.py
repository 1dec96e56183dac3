"""A bundle, the keys that it touches, and what Foreman and slot do with it."""

from typing import Any

from redis import Redis

from jobs.dispatch import Dispatcher
from jobs.domain.flight import Sent
from nodes import wire
from nodes.keyring import Keyring
from tests.jobs.cast import NOW, bundle, order, ready

FLEET_KEY = "only-for-tests"
EPOCH = 3
SENT = bundle(ready(7, index=3, number=2, item='{"a": 2.50}'), ready(8), gpus=(1,))
QUEUE, POPPED = wire.queue_key(SENT.node), wire.intermediate_key(SENT.node)
LEDGER, HASH = wire.flight_key(SENT.node), wire.bundle_key(SENT.id)


def give_hands(redis: Redis) -> Dispatcher:
    """The hands of the leader of our epoch."""
    made = Dispatcher(redis, keyring=Keyring(FLEET_KEY))
    made.epoch = EPOCH
    redis.set(wire.EPOCH, EPOCH)
    return made


def push(hands: Dispatcher, *sent: Sent, **wishes: Any) -> None:
    hands.push([(each, order(**wishes)) for each in sent or [SENT]], NOW)


def pop(redis: Redis) -> bytes:
    """What a slot does first."""
    return redis.lmove(QUEUE, POPPED)


def everything(redis: Redis) -> dict[bytes, Any]:
    """All that Redis holds."""
    readers = {b"string": redis.get, b"hash": redis.hgetall, b"stream": redis.xrange}
    readers[b"list"] = lambda key: redis.lrange(key, 0, -1)
    return {key: readers[redis.type(key)](key) for key in redis.keys("*")}
