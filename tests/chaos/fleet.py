"""A thousand Spores in one process: they send heartbeats as real ones do, and run nothing.

python -m tests.chaos.fleet REDIS_URL FLEET_KEY_FILE COUNT
"""

import json
import secrets
import sys
import time
from pathlib import Path

from hive_site.kernel.envelope import node_key, seal
from hive_site.kernel.redis import connect
from nodes import wire
from nodes.spore.line import BEAT_TTL_SECONDS

#: So many heartbeats go out together, as if from machines that were started together.
TOGETHER = 25


def body(incarnation: str) -> str:
    """What an idle Spore says of itself; no slots, so that nobody sends it work."""
    return json.dumps(
        {
            "v": wire.PROTOCOL,
            "incarnation": incarnation,
            **{"slots": 0, "cpu": 0.1, "memory": 0.2, "free_memory_mb": 4000, "gpus": []},
            **{"labels": {"kind": "simulated"}, "capabilities": [], "running": []},
            **{"release": "1", "agent_version": "1", "platform": "simulated", "trouble": ""},
            "metrics": {"load": 0.5, "disk": 0.5, "network": {}, "slot_rss_mb": [50]},
        }
    )


def main(url: str, key_file: str, count: int) -> None:
    """Send heartbeats until killed."""
    fleet_key = Path(key_file).read_text().strip()
    names = [f"simulated-{n}" for n in range(count)]
    keys = {name: node_key(fleet_key, name) for name in names}
    says = {name: body(secrets.token_hex(8)) for name in names}
    client = connect(url, name="fleet", patient=True)
    # One subscription for all: it proves that their agents live.
    ear = connect(url, name="fleet").pubsub(ignore_subscribe_messages=True)
    ear.subscribe(*map(wire.control_channel, names))
    groups = [names[n : n + TOGETHER] for n in range(0, count, TOGETHER)]
    due = time.monotonic()
    while True:
        for group in groups:
            pipe = client.pipeline(transaction=False)
            for name in group:
                beat = seal(says[name], key=keys[name], purpose=wire.PURPOSE_BEAT)
                pipe.xadd(wire.beat_key(name), {"e": beat}, maxlen=1, approximate=False)
                pipe.expire(wire.beat_key(name), BEAT_TTL_SECONDS)
                pipe.sadd(wire.NODES, name)
            pipe.execute()
            while ear.get_message(timeout=0):
                pass
            due += wire.BEAT_SECONDS / len(groups)
            time.sleep(max(due - time.monotonic(), 0))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
