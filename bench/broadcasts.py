"""`python -m bench.broadcasts`: how long until 100 nodes have answered, with every answer stored.

A second process plays all nodes: it hears the channel, checks the signatures and answers signed,
as agents do, but in batches, as if each node had a machine of its own. What is measured is the
Nexus (one transaction, one pipeline, the answers checked and stored) and Redis.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from bench.figures import percentile
from bench.world import own_environment, set_up_django
from hive_site.kernel.envelope import node_key, seal, unseal
from hive_site.kernel.redis import connect
from hive_site.stack.processes import stop_all
from hive_site.stack.recipes import Surroundings
from hive_site.stack.redis_server import RedisServer
from nodes import wire
from nodes.domain.commands import read_call

FLOOR_SECONDS = 0.1


def play_nodes(url: str, fleet_key: str, names: Sequence[str]) -> None:
    """Answer everything that is called out, until this process is ended."""
    client, keys = connect(url), {name: node_key(fleet_key, name) for name in names}
    ear = client.pubsub(ignore_subscribe_messages=True)
    ear.subscribe(wire.BROADCAST)
    while True:
        if ear.get_message(timeout=5):
            pop = client.pipeline(transaction=False)
            for name in names:
                pop.lpop(wire.commands_key(name))
            say = client.pipeline(transaction=False)
            for name, envelope in zip(names, pop.execute(), strict=True):
                body = unseal(envelope, key=keys[name], purpose=wire.PURPOSE_COMMAND)
                call = read_call(body, node=name)
                told = {"v": wire.PROTOCOL, "id": call.id, "ok": True, "data": {"cpu": 0.5}}
                text = seal(json.dumps(told), key=keys[name], purpose=wire.PURPOSE_ANSWER)
                say.xadd(wire.answers_key(call.id), {"n": name, "e": text}, maxlen=4096)
                say.expire(wire.answers_key(call.id), 3600)
            say.execute()


def measure(count: int, rounds: int) -> dict[str, float]:
    """The seconds that a broadcast took, from the call to the last stored answer."""
    from django.conf import settings

    from nodes import inbox
    from nodes.answers import await_answers
    from nodes.broadcasts import send_broadcast
    from nodes.models import Node

    names = [f"node-{number:03}" for number in range(count)]
    Node.objects.bulk_create(Node(name=name, incarnation="one") for name in names)
    spawn = multiprocessing.get_context("spawn")
    swarm = (settings.REDIS_URL, settings.HIVE_FLEET_KEY, names)
    player = spawn.Process(target=play_nodes, args=swarm, daemon=True)
    player.start()
    while not inbox.shared_client().pubsub_numsub(wire.BROADCAST)[0][1]:
        time.sleep(0.01)
    took = []
    for _ in range(rounds):
        begun = time.perf_counter()
        broadcast, _replayed = send_broadcast(command="STATUS")
        if not await_answers(broadcast, seconds=10):
            raise SystemExit("bench: not every node answered")
        took.append(time.perf_counter() - begun)
    player.terminate()
    return {f"p{share:.0%}"[:-1]: percentile(took, share) for share in (0.5, 0.99)}


def main(argv: list[str]) -> int:
    """0 if the floor holds."""
    parser = argparse.ArgumentParser(prog="bench.broadcasts", description=__doc__)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=200)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hive-bench-") as folder:
        server = RedisServer(Path(folder))
        redis = server.start(stop=Event())
        try:
            base = own_environment(os.environ, database_url="")
            set_up_django(Surroundings(Path(folder), "127.0.0.1", 0, server.url, base))
            figures = measure(arguments.nodes, arguments.rounds)
        finally:
            stop_all([redis], patience=5)
    said = {"nodes": arguments.nodes, "rounds": arguments.rounds, "floor_p99_s": FLOOR_SECONDS}
    print(json.dumps({**said, **{f"{k}_s": round(v, 4) for k, v in figures.items()}}))
    return 0 if figures["p99"] < FLOOR_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
