"""The world of one run: Redis, database, Foreman, Spores and RQ workers, all real processes."""

import contextlib
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from redis import Redis

from bench.contenders import Hive, RqWorkers
from bench.database import borrow_database
from hive_site.configuration import PROJECT
from hive_site.kernel.env import Env
from hive_site.kernel.errors import HiveError
from hive_site.kernel.redis import connect
from hive_site.stack.nursery import Nursery
from hive_site.stack.processes import Recipe
from hive_site.stack.readiness import RollCall
from hive_site.stack.recipes import Recipes, Surroundings
from hive_site.stack.redis_server import RedisServer

RQ_QUEUE = "bench"
READY_SECONDS = 60.0
LOOK_EVERY_SECONDS = 0.05
WARM_UP_ITEMS = 50
#: Variables that would lead the run to somebody's Redis, database or keys.
FOREIGN = ("HIVE_", "REDIS_", "DATABASE_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "RQ_")


@dataclass(frozen=True)
class World:
    """Both sides, warm, on one Redis server."""

    hive: Hive
    rq: RqWorkers
    redis: Redis


@contextlib.contextmanager
def open_world(workers: int) -> Iterator[World]:
    """A world with so many single-slot workers on each side; nothing of it is left afterwards."""
    database = Env(os.environ).text("DATABASE_URL")
    with contextlib.ExitStack() as leave:
        folder = Path(leave.enter_context(tempfile.TemporaryDirectory(prefix="hive-bench-")))
        url = leave.enter_context(borrow_database(database))
        nursery = Nursery(logs=folder / "logs")
        server = RedisServer(folder)
        leave.callback(_stop, nursery, workers)
        nursery.adopt(server.start(stop=Event()))
        place = Surroundings(
            folder, "127.0.0.1", 0, server.url, own_environment(os.environ, database_url=url)
        )
        set_up_django(place)
        leave.callback(_hang_up)
        yield _populate(place, nursery, workers)


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


def _populate(place: Surroundings, nursery: Nursery, workers: int) -> World:
    client = connect(place.redis_url, name="hive-bench", patient=True)
    rq_url = f"{place.redis_url.removesuffix('/0')}/1"
    roll, recipes = RollCall.begin(client), Recipes()
    nursery.start(recipes.foreman(place))
    spores = [f"spore-{n}" for n in range(1, workers + 1)]
    rivals = [f"rq-{n}" for n in range(1, workers + 1)]
    for name in spores:
        nursery.start(recipes.spore(place, name, slots=1))
    for name in rivals:
        nursery.start(rq_worker(name, place.base, rq_url))
    _wait_for(spores, roll, nursery)
    world = World(
        hive=Hive([nursery.pid(name) or 0 for name in spores]),
        rq=RqWorkers([nursery.pid(name) or 0 for name in rivals], _open_rq(rq_url), RQ_QUEUE),
        redis=client,
    )
    for contender in (world.hive, world.rq):
        contender.run_all("noop", [1] * WARM_UP_ITEMS)
    return world


def rq_worker(name: str, env: Mapping[str, str], url: str) -> Recipe:
    """RQ's own worker as it comes, on a queue and in a Redis database of its own."""
    rq = str(Path(sys.executable).with_name("rq"))
    return Recipe(
        name=name,
        argv=[rq, "worker", "--quiet", RQ_QUEUE],
        # In the environment, where no other user can read the password.
        env={**env, "RQ_REDIS_URL": url},
    )


def _open_rq(url: str) -> Redis:
    # Waiting for a result blocks for longer than a usual socket timeout.
    return Redis.from_url(url, socket_timeout=None)


def _wait_for(names: list[str], roll: RollCall, nursery: Nursery) -> None:
    give_up_at = time.monotonic() + READY_SECONDS
    while missing := set(names) - roll.present():
        nursery.require_all_alive()
        if time.monotonic() > give_up_at:
            raise HiveError(f"{', '.join(sorted(missing))} did not come up in {READY_SECONDS} s")
        time.sleep(LOOK_EVERY_SECONDS)


def _hang_up() -> None:
    """Leave the database, and say nothing when Redis goes away next: that is us."""
    from django.db import connections

    connections.close_all()
    logging.disable()


def _stop(nursery: Nursery, workers: int) -> None:
    """End everything at once: nobody needs what was under way."""
    for names in (
        [f"{side}-{n}" for side in ("spore", "rq") for n in range(1, workers + 1)],
        ["foreman"],
        ["redis"],
    ):
        nursery.stop(names, patience=5.0)
