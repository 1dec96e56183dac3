"""A slot's answer to its agent's probe: a task run as any other, told to nobody but the agent."""

import json
from collections.abc import Callable
from math import inf
from typing import Any

import structlog
from redis import Redis

from hive_site.kernel.envelope import Forged, seal, unseal
from jobs.wire import Bundle
from nodes import wire
from nodes.spore.identity import Identity

log = structlog.get_logger()
PROOF_TTL_SECONDS = 60
TIMEOUT_SECONDS = 10.0
#: Runs the bundle's only item; its result as JSON text. What the task raises comes out.
Run = Callable[[Bundle], str]


def prove(client: Redis, identity: Identity, probe: str, run: Run | None) -> None:
    """Run a popped probe and leave what came of it; without `run` another slot is to do it.

    Raises `RedisError`.
    """
    if run is None:
        _put_back(client, identity.name, probe)
        return
    sealed = wire.whole("data", client.hgetall(wire.bundle_key(probe)))
    pipe = client.pipeline()
    try:
        body = unseal(sealed, key=identity.key, purpose=wire.PURPOSE_PROBE)
        bundle = _read_probe(body, probe, identity)
    except (Forged, ValueError, KeyError, TypeError) as error:
        log.warning("bundle.refused", bundle=probe, reason=str(error))
    else:
        said = {"v": wire.PROTOCOL, "probe": probe, **_outcome(bundle, run)}
        proof = seal(json.dumps(said), key=identity.key, purpose=wire.PURPOSE_PROOF)
        pipe.set(wire.proof_key(identity.name), proof, ex=PROOF_TTL_SECONDS)
    pipe.lrem(wire.intermediate_key(identity.name), 0, probe)
    pipe.delete(wire.bundle_key(probe))
    pipe.execute()


def _put_back(client: Redis, node: str, probe: str) -> None:
    pipe = client.pipeline()
    pipe.lrem(wire.intermediate_key(node), 0, probe)
    pipe.lpush(wire.queue_key(node), probe)
    pipe.execute()


def _outcome(bundle: Bundle, run: Run) -> dict[str, str]:
    try:
        result = json.loads(run(bundle))
        return {"release": str(result["release"]), "reason": ""}
    except BaseException as error:  # noqa: BLE001 whatever it is, this release cannot work
        return {"release": "", "reason": f"the probe failed with {type(error).__name__}: {error}"}


def _read_probe(body: dict[str, Any], probe: str, me: Identity) -> Bundle:
    if (body["v"], body["probe"]) != (wire.PROTOCOL, probe):
        raise ValueError("not the probe that it lies under")
    if (body["node"], body["incarnation"]) != (me.name, me.incarnation):
        raise ValueError(f"for {body['node']} {body['incarnation']}, not for us")
    return Bundle(
        id=probe,
        job="",
        stop_token="",
        task=str(body["task"]),
        total=1,
        timeout=TIMEOUT_SECONDS,
        first=0,
        kwargs={},
        items=[(0, 0, 1, None)],
        gpus=(),
        expires=inf,
        idempotent=True,
    )
