"""A few threads in which async code reads from the database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

#: Few: the pool of connections to PostgreSQL has 20 for everybody.
READERS = 4
_threads = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
R = TypeVar("R")


async def in_thread(read: Callable[[], R], threads: ThreadPoolExecutor = _threads) -> R:
    """What `read` returns, from a thread that keeps no connection to the database."""

    def run() -> R:
        try:
            return read()
        finally:
            close_old_connections()

    return await sync_to_async(run, thread_sensitive=False, executor=threads)()
