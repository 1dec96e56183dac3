"""`manage.py rqworker --home DIR`: a managed Spore. Its launcher runs without Django."""

import argparse
import fcntl
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hive_site.configuration import (
    PROJECT,
    find_fleet_key,
    project_version,
    read_data_dir,
    read_nexus_url,
)
from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid
from hive_site.observing import read_log_format
from hive_site.redis_options import read_ca_file
from nodes.spore.identity import check_name, default_name, find_key
from nodes.spore.pools import read_pool
from ota.domain.install.state import OWN, Slot
from ota.domain.requirements import digest_requirements
from ota.spore.agents import FDS, Recipe
from ota.spore.launcher import Launcher
from ota.spore.log import start_log, tell
from ota.spore.nexus import NexusClient
from ota.spore.options import Options

#: Of these, what the agent itself reads is passed on to it as it came.
#: What else Django and django-rq take with a value: no value is the name of a queue.
OTHERS = (
    *("-v", "--verbosity", "--settings", "--pythonpath", "--pid", "--worker-class"),
    *("--queue-class", "--job-class", "--worker-ttl", "--max-jobs", "--max-idle-time"),
    "--serializer",
)
FLAGS = ("--name", "--slots", "--label", "--capability", "--nexus", "--home")


def is_managed(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether this command line asks for a launcher: a Spore with a home, and not its agent."""
    if list(argv[1:2]) != ["rqworker"] or FDS in environ or {"-h", "--help"} & set(argv):
        return False
    options, others = _read(argv)
    return bool(options.home) and all(word.startswith("-") for word in others)


def launch(argv: Sequence[str]) -> int:
    """Run the launcher until it is told to end; its exit code."""
    options, _ = _read(argv)
    try:
        return Launcher(_prepare(options, argv)).run()
    except Invalid as error:
        sys.stderr.write(f"rqworker: {error}\n")
        return 2


def _read(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in (*FLAGS, *OTHERS):
        parser.add_argument(flag, action="append", default=[])
    return parser.parse_known_args(argv[2:])


def _prepare(given: argparse.Namespace, argv: Sequence[str]) -> Options:
    env = Env()
    pool = read_pool(env.text("HIVE_POOL_KEY"))
    default = pool.name_member() if pool else default_name()
    name = check_name(given.name[-1] if given.name else default)
    key = find_key(
        name,
        given=env.text("HIVE_NODE_KEY"),
        fleet_key=find_fleet_key(env, read_data_dir(env)),
        pool=pool,
    )
    home = Path(given.home[-1]).absolute()
    take_home(home)
    start_log("launcher", form=read_log_format(env))
    tell("launcher.starts", node=name, home=home)
    nexus = (given.nexus[-1] if given.nexus else "") or read_nexus_url(env)
    channels = tuple(env.listing("HIVE_OTA_CHANNELS", "stable"))
    version = env.text("HIVE_RELEASE") or project_version()
    facts = {"home": str(home), "node": name, "nexus": nexus, "channels": list(channels)}
    return Options(
        home=home,
        own=Slot(OWN, version, python=sys.executable, tree=str(PROJECT)),
        recipe=Recipe(tuple(argv[1:]), dict(os.environ)),
        desk=NexusClient(nexus, name, key, ca_file=read_ca_file(env)),
        channels=channels,
        stager={**facts, **own_environment()},
        stager_env={**os.environ, "HIVE_NODE_KEY": key.hex()},
    )


def own_environment() -> dict[str, str]:
    """What this installation runs with: a release that needs no more than that takes it over."""
    needs = digest_requirements((PROJECT / "requirements.txt").read_text())
    return {"own_python": sys.executable, "own_requirements": needs}


def take_home(home: Path) -> None:
    """Make the directory of a Spore, locked for as long as this process lives.

    Raises `Invalid` if it cannot be made, or if another launcher has it.
    """
    folder = home / "ota"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        rule = "give a directory that can be written"
        raise Invalid(f"--home {home}: {error.strerror}; {rule}", field="home") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        rule = "give each its own --home"
        raise Invalid(f"--home {home}: another Spore runs there; {rule}", field="home") from None
