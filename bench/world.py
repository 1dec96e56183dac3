"""The world of one run: Redis, database and all sides, whose processes live for a turn each."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from redis import Redis

from bench.contenders import Contender
from bench.database import borrow_database
from bench.hive import Hive
from bench.peers.roster import Peer
from bench.rivals import Lodging, Rival
from hive_site.configuration import PROJECT
from hive_site.kernel.env import Env
from hive_site.kernel.redis import connect
from hive_site.stack.nursery import Nursery
from hive_site.stack.recipes import Surroundings
from hive_site.stack.redis_server import RedisServer

#: Variables that would lead the run to somebody's Redis, database or keys.
FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "RQ_")


@dataclass(frozen=True)
class World:
    """All sides on one Redis server; nothing of theirs runs before their turn."""

    contenders: list[Contender]
    redis: Redis


@contextlib.contextmanager
def open_world(peers: Mapping[Peer, Path]) -> Iterator[World]:
    """A world with these peers, by the programs of theirs; nothing of it is left afterwards."""
    database = Env(os.environ).text("DATABASE_URL")
    with contextlib.ExitStack() as leave:
        folder = Path(leave.enter_context(tempfile.TemporaryDirectory(prefix="hive-bench-")))
        url = leave.enter_context(borrow_database(database))
        nursery = Nursery(logs=folder / "logs")
        server = RedisServer(folder)
        leave.callback(nursery.stop, ["redis"], patience=5.0)
        nursery.adopt(server.start(stop=Event()))
        place = Surroundings(
            folder, "127.0.0.1", 0, server.url, own_environment(os.environ, database_url=url)
        )
        set_up_django(place)
        leave.callback(_hang_up)
        client = connect(place.redis_url, name="hive-bench", patient=True)
        rivals = [
            Rival(peer, _lodge(peer, programs, place), nursery) for peer, programs in peers.items()
        ]
        yield World([Hive(place, nursery, client), *rivals], client)


def own_environment(given: Mapping[str, str], *, database_url: str) -> dict[str, str]:
    """The environment of every process: the given one, without what belongs to other Hives."""
    kept = {name: value for name, value in given.items() if not name.startswith(FOREIGN)}
    kept |= {"HIVE_TASK_MODULES": "bench.tasks", "PYTHONPATH": str(PROJECT)}
    return {**kept, "DATABASE_URL": database_url} if database_url else kept


def set_up_django(place: Surroundings) -> None:
    """Make this process a Nexus: what it measures is what any view or script would do."""
    os.environ.clear()
    os.environ.update(place.nexus_env(), DJANGO_SETTINGS_MODULE="hive_site.settings")
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger().setLevel(logging.WARNING)
    call_command("migrate", interactive=False, verbosity=0)


def _lodge(peer: Peer, programs: Path, place: Surroundings) -> Lodging:
    return Lodging(
        programs=programs,
        folder=place.data / "peers" / peer.name,
        redis_url=f"{place.redis_url.removesuffix('/0')}/{peer.database}",
        base=place.base,
    )


def _hang_up() -> None:
    """Leave the database, and say nothing when Redis goes away next: that is us."""
    from django.db import connections

    connections.close_all()
    logging.disable()
