"""`manage.py rqworker`: a Spore. With names of other queues: django-rq's own worker."""

import sys
from argparse import ArgumentParser

from django.conf import settings
from django.core.management.base import CommandError
from django_rq.management.commands.rqworker import Command as RqWorker

from hive_site.kernel.redis import rq_settings
from hive_site.spore_start import add_flags, start


class Command(RqWorker):
    """Run this machine as a Spore, or a plain RQ worker on queues of your own."""

    help = "Run this machine as a Spore; given names of other queues, a plain RQ worker."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """django-rq's arguments, and those of a Spore."""
        super().add_arguments(parser)
        # JSON that must be signed: what is in Redis is never unpickled.
        parser.set_defaults(serializer="hive_site.rq_serializer.SignedJSON")
        add_flags(parser.add_argument_group("Spore"))

    def handle(self, *queues: str, **options: object) -> None:
        """Run until SIGTERM or SIGINT."""
        foreign = set(queues) - set(settings.HIVE.queues)
        if foreign:
            for name in foreign:
                settings.RQ_QUEUES.setdefault(name, rq_settings(settings.REDIS_URL))
            super().handle(*queues, **options)
            return
        if not settings.HIVE.enabled:
            raise CommandError("ENABLE_HIVE is false; set it to true to run a Spore")
        if code := start(options):
            sys.exit(code)
