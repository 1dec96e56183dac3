"""Where a peer finds its broker. Standard library only."""

import os

#: The address of its own database in Redis: in the environment, where no other user can read
#: the password.
URL = "BENCH_REDIS_URL"
#: A directory of its own, for what has no Redis.
FOLDER = "BENCH_FOLDER"
#: How long Redis keeps results, where that can be chosen.
RESULT_TTL_SECONDS = 600


def redis_url() -> str:
    """The address of the peer's Redis."""
    return os.environ[URL]


def folder() -> str:
    """The peer's directory."""
    return os.environ[FOLDER]
