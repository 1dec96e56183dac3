"""What a node may be called: in keys of Redis, names of RQ's queues, and addresses alike."""

import re

NODE_NAME = re.compile(r"[A-Za-z0-9_-]{1,48}")
#: Hosts that are this machine, whoever asks.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
