"""Standing orders of operators to agents, kept in Redis and reconciled at every heartbeat."""

import json
from collections.abc import Iterable, Mapping

from redis import Redis

from hive_site.kernel.envelope import seal
from nodes import wire
from nodes.domain.states import NodeState
from nodes.keyring import Keyring
from nodes.models import Node


def send_orders(
    client: Redis, nodes: Iterable[Node], *, keyring: Keyring, revs: Mapping[str, int]
) -> None:
    """Leave each node's orders where its agent looks, and wake those whose orders are new.

    `revs`: which of the wishes for its code is the newest, by the node's name.
    """
    nodes = [node for node in nodes if not keyring.is_revoked(node.name)]
    sent: list[bytes] = []
    pipe = client.pipeline(transaction=False)
    for node in nodes:
        # An agent that reads its own incarnation here was given up and must start anew.
        over = node.incarnation if node.state == NodeState.LOST else None
        orders = {"v": wire.PROTOCOL, "slots": node.wanted_slots, "over": over}
        # A hint only: its launcher asks us over HTTP what the wish is.
        text = json.dumps({**orders, "ota_rev": revs.get(node.name, 0)})
        envelope = seal(text, key=keyring.key_of(node.name), purpose=wire.PURPOSE_ORDER)
        pipe.set(wire.orders_key(node.name), envelope, get=True)
        sent.append(envelope)
    for node, envelope, before in zip(nodes, sent, pipe.execute(), strict=True):
        if before != envelope:
            client.publish(wire.control_channel(node.name), "look")
