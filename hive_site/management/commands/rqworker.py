"""`manage.py rqworker`: a Spore. With names of other queues: django-rq's own worker."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path

import structlog
from django.conf import settings
from django.core.management.base import CommandError
from django_rq.management.commands.rqworker import Command as RqWorker

from hive_site.configuration import find_fleet_key
from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis import RedisError, safe_url
from nodes.spore.gate import Unfit

log = structlog.get_logger()


class Command(RqWorker):
    """Run this machine as a Spore, or a plain RQ worker on queues of your own."""

    help = "Run this machine as a Spore; given names of other queues, a plain RQ worker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """django-rq's arguments, and those of a Spore."""
        super().add_arguments(parser)
        # JSON that must be signed: what is in Redis is never unpickled.
        parser.set_defaults(serializer="hive_site.rq_serializer.SignedJSON")
        spore = parser.add_argument_group("Spore")
        spore.add_argument("--slots", type=int, default=1, help="what runs at once (default 1)")
        spore.add_argument("--label", action="append", default=[], metavar="K=V")
        spore.add_argument("--capability", action="append", default=[], metavar="C")
        spore.add_argument("--nexus", metavar="URL", help="where the Nexus answers")
        spore.add_argument("--home", metavar="DIR", help="where this Spore keeps its files")

    def handle(self, *queues: str, **options: object) -> None:
        """Run until SIGTERM or SIGINT."""
        foreign = set(queues) - set(settings.HIVE.queues)
        if foreign:
            for name in foreign:
                settings.RQ_QUEUES.setdefault(name, {"URL": settings.REDIS_URL})
            super().handle(*queues, **options)
            return
        if not settings.HIVE.enabled:
            raise CommandError("ENABLE_HIVE is false; set it to true to run a Spore")
        try:
            self._serve(options)
        except Invalid as error:
            self.stderr.write(f"rqworker: {error}")
            sys.exit(2)
        except Unfit as error:
            self.stderr.write(f"rqworker: {error}")
            sys.exit(1)
        except RedisError as error:
            where = safe_url(settings.HIVE.redis_url)
            raise CommandError(f"no Redis at {where}: {error}; set REDIS_URL") from error

    def _serve(self, options: dict[str, object]) -> None:
        from hive_site.wiring import build_agent
        from nodes.spore.agent import MAX_SLOTS
        from nodes.spore.identity import (
            Identity,
            check_name,
            default_name,
            find_key,
            new_incarnation,
            read_labels,
        )
        from nodes.spore.leash import die_with_launcher, read_launch

        launch = read_launch(os.environ)
        if launch.leash.is_managed:
            die_with_launcher()
        name = check_name(str(options["name"] or default_name()))
        slots = int(str(options["slots"]))
        if not 1 <= slots <= MAX_SLOTS:
            raise Invalid(f"--slots {slots}: give 1 to {MAX_SLOTS}", field="slots")
        identity = Identity(
            name=name,
            key=find_key(
                name,
                given=Env().text("HIVE_NODE_KEY"),
                fleet_key=find_fleet_key(Env(), settings.HIVE.data),
            ),
            incarnation=launch.incarnation or new_incarnation(),
            slots=slots,
            release=settings.HIVE_RELEASE,
            labels=read_labels(list(options["label"])),  # type: ignore[call-overload]
            capabilities=tuple(options["capability"]),  # type: ignore[arg-type]
        )
        home = Path(str(options["home"] or settings.HIVE.data / "spores" / name)).absolute()
        make_home(home)
        nexus_url = read_address(options["nexus"])
        agent = build_agent(identity, home, nexus_url=nexus_url, launch=launch)
        if not (launch.incarnation or launch.gated):
            agent.check_name_is_free()
        if not launch.leash.is_managed:
            log.info("spore.unmanaged", why="it has no --home, so no release is rolled out to it")
        agent.run()


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
