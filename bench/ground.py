"""What a played cluster stands on: a database, a Redis, and Django set up for both."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from bench.database import borrow_database
from bench.nexus import HOST
from bench.world import own_environment, set_up_django
from hive_site.kernel.env import Env
from hive_site.stack.nursery import Nursery
from hive_site.stack.recipes import Surroundings
from hive_site.stack.redis_server import RedisServer


@contextlib.contextmanager
def open_ground() -> Iterator[tuple[Surroundings, Nursery]]:
    """Where it is, and what starts processes there; nothing of it is left afterwards."""
    database = Env(os.environ).text("DATABASE_URL")
    with contextlib.ExitStack() as leave:
        folder = Path(leave.enter_context(tempfile.TemporaryDirectory(prefix="hive-bench-")))
        url = leave.enter_context(borrow_database(database))
        nursery, server = Nursery(logs=folder / "logs"), RedisServer(folder)
        leave.callback(nursery.stop, ["redis"], patience=5.0)
        nursery.adopt(server.start(stop=Event()))
        env = own_environment(os.environ, database_url=url)
        place = Surroundings(folder, HOST, 0, server.url, env)
        set_up_django(place)
        yield place, nursery
