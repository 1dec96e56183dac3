"""Who the peers are and what their workers are started with. Pure data."""

from dataclasses import dataclass

from bench.peers.place import FOLDER

#: A program of the peer's environment with its arguments.
Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """One queue, as a user would run it: five workers, each of which does one thing at a time."""

    name: str
    title: str
    #: Its requirement file in this directory, and so its environment.
    environment: str
    #: Whose version is meant.
    distribution: str
    #: The module of this directory that uses it.
    module: str
    #: One process each.
    commands: tuple[Command, ...]
    #: Its own database of the run's Redis.
    database: int
    #: The workloads that it is there for; all of them if empty.
    only: frozenset[str] = frozenset()
    #: Its workers start a process for each item.
    forks: bool = False


def _plain(name: str, title: str, *commands: Command, database: int) -> Peer:
    return Peer(name, title, name, name, name, commands, database)


def _rq(*options: str) -> tuple[Command, ...]:
    return 5 * (("rq", "worker", "--quiet", *options, "bench"),)


# No chat among workers: there is one.
_CHAT = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_PREFORK = ("-P", "prefork", "-c", "5", "-l", "WARNING", *_CHAT)
_CELERY = ("celery", "-A", "bench.peers.celery", "worker", *_PREFORK)
_DRAMATIQ = ("dramatiq", "bench.peers.dramatiq", "-p", "5", "-t", "1")
_HUEY = ("huey_consumer", "bench.peers.huey.queue", "-k", "process", "-w", "5", "-n", "-q")
_MEET = ("--scheduler-file", f"{{{FOLDER}}}/scheduler.json", "--no-dashboard")
_SCHEDULER = ("dask", "scheduler", "--host", "127.0.0.1", "--port", "0", *_MEET)
_WORKER = ("dask", "worker", *_MEET, "--nthreads", "1", "--no-nanny")

ROSTER = (
    Peer("rq", "RQ Worker", "rq", "rq", "rq", _rq(), database=1, forks=True),
    Peer(
        name="rq-simple",
        title="RQ SimpleWorker",
        environment="rq",
        distribution="rq",
        module="rq",
        commands=_rq("--worker-class", "rq.SimpleWorker"),
        database=2,
    ),
    _plain("celery", "Celery", _CELERY, database=3),
    Peer(
        name="celery-chunks",
        title="Celery chunks",
        environment="celery",
        distribution="celery",
        module="celery_chunks",
        commands=(_CELERY,),
        database=4,
        only=frozenset({"map"}),
    ),
    _plain("dramatiq", "Dramatiq", _DRAMATIQ, database=5),
    _plain("huey", "Huey", _HUEY, database=6),
    Peer(
        name="dask",
        title="Dask",
        environment="dask",
        distribution="distributed",
        module="dask",
        commands=(_SCHEDULER, *(5 * (_WORKER,))),
        database=7,
    ),
)
#: The one that the Hive is compared with first: what it is built on, as it comes.
REFERENCE = "rq"
