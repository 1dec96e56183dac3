"""How a Spore's process starts: with Django's settings, and without the rest of Django.

`manage.py rqworker` brings a launcher's child here directly, past Django's management, URLs and
mail: they would be a third of all the memory that a Spore holds, and none of it uses them.
"""

import argparse
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from django.apps import apps
from django.conf import ENVIRONMENT_VARIABLE, settings

from hive_site.configuration import find_fleet_key
from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid
from hive_site.kernel.pulse import Pulse
from hive_site.kernel.redaction import conceal
from hive_site.kernel.redis import RedisError, safe_url
from hive_site.kernel.subject import set_subject
from hive_site.observing import start_observing
from nodes.spore.gate import Unfit

if TYPE_CHECKING:
    from nodes.spore.identity import Identity

MODULE = "hive_site.settings_spore"
MISUSED, FAILED = 2, 1
#: Names the pipes of whoever was started by a launcher (nodes/spore/leash.py).
PIPES = "HIVE_LAUNCHER_FDS"


def read_plain(argv: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any] | None:
    """What a launcher's child was given, if that is a Spore's own flags and nothing else."""
    plain = PIPES in environ and environ.get(ENVIRONMENT_VARIABLE) == MODULE
    if list(argv[1:2]) != ["rqworker"] or not plain:
        return None
    parser = _Parser(add_help=False, allow_abbrev=False)
    add_flags(parser)
    parser.add_argument("--name")
    try:
        options, others = parser.parse_known_args(argv[2:])
    except ValueError:  # Django's own parser tells
        return None
    return None if others or not settings.HIVE.enabled else vars(options)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def add_flags(parser: Any) -> None:
    """The flags of a Spore that no other worker has."""
    parser.add_argument("--slots", type=int, default=1, help="what runs at once (default 1)")
    parser.add_argument(
        "--label", action="append", default=[], metavar="K=V", help="for jobs to ask for"
    )
    parser.add_argument("--capability", action="append", default=[], metavar="C", help="likewise")
    parser.add_argument("--nexus", metavar="URL", help="where the Nexus answers")
    parser.add_argument("--home", metavar="DIR", help="where this Spore keeps its files")


def start(options: Mapping[str, Any]) -> int:
    """Run a Spore until SIGTERM or SIGINT; the exit code, told in a line if it is none."""
    try:
        _serve(options)
    except Invalid as error:
        return _tell(str(error), MISUSED)
    except Unfit as error:
        return _tell(str(error), FAILED)
    except RedisError as error:
        from nodes.spore.outage import REFUSALS, WAY_OUT

        where = safe_url(settings.HIVE.redis_url)
        way = WAY_OUT if isinstance(error, REFUSALS) else "set REDIS_URL"
        return _tell(f"no Redis at {where}: {error}; {way}", FAILED)
    return 0


def _tell(line: str, code: int) -> int:
    sys.stderr.write(f"rqworker: {line}\n")
    return code


def _serve(options: Mapping[str, Any]) -> None:
    # Not above: settings come first, which load structlog without what it does not need.
    import structlog

    from hive_site.wiring import build_agent
    from nodes.spore.leash import die_with_launcher, read_launch

    launch = replace(read_launch(os.environ), pulse=Pulse(settings.HIVE.pulse))
    if launch.leash.is_managed:
        die_with_launcher()
    load_apps()
    identity = _identify(options, launch.incarnation)
    observe(identity)
    home = Path(str(options["home"] or settings.HIVE.data / "spores" / identity.name)).absolute()
    make_home(home)
    agent = build_agent(identity, home, nexus_url=read_address(options["nexus"]), launch=launch)
    if not (launch.incarnation or launch.gated):
        agent.check_name_is_free()
    if not launch.leash.is_managed:
        why = "it has no --home, so no release is rolled out to it"
        structlog.get_logger().info("spore.unmanaged", why=why)
    # Slots share what is there when they are forked, until a collection writes to it.
    gc.collect()
    gc.freeze()
    agent.run()


def observe(identity: "Identity") -> None:
    """Have this process watched; each line of its log says which node it is."""
    conceal(identity.key.hex())
    set_subject(lambda: {"node": identity.name})
    options, release = settings.HIVE.observing, settings.HIVE_RELEASE
    start_observing("spore", options, release=release, node=identity.name)


def load_apps() -> None:
    """Load the apps as `django.setup` does, but for what only a site needs. Safe to repeat."""
    apps.populate(settings.INSTALLED_APPS)


def _identify(options: Mapping[str, Any], incarnation: str) -> "Identity":
    from nodes.spore import identity as ids
    from nodes.spore.crew import MAX_SLOTS
    from nodes.spore.pools import read_pool

    pool = read_pool(Env().text("HIVE_POOL_KEY"))
    default = pool.name_member() if pool else ids.default_name()
    name = ids.check_name(str(options["name"] or default))
    slots = int(options["slots"])
    if not 1 <= slots <= MAX_SLOTS:
        raise Invalid(f"--slots {slots}: give 1 to {MAX_SLOTS}", field="slots")
    fleet_key = find_fleet_key(Env(), settings.HIVE.data)
    return ids.Identity(
        name=name,
        key=ids.find_key(name, given=Env().text("HIVE_NODE_KEY"), fleet_key=fleet_key, pool=pool),
        incarnation=incarnation or ids.new_incarnation(),
        slots=slots,
        release=settings.HIVE_RELEASE,
        labels=ids.read_labels(list(options["label"])),
        capabilities=tuple(options["capability"]),
    )


def read_address(value: object) -> str:
    """The address of the Nexus, or nothing. Raises `Invalid` for what is no address."""
    text = str(value or "")
    if text and not text.startswith(("http://", "https://")):
        raise Invalid(f"--nexus {text!r}: give an address like http://host:8000", field="nexus")
    return text


def make_home(home: Path) -> None:
    """The directory where a Spore keeps its files. Raises `Invalid` if it cannot be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        rule = "give a directory that can be written"
        raise Invalid(f"--home {home}: {error.strerror}; {rule}", field="home") from error
