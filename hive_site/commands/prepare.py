"""`hive prepare`: what the Nexus needs before its first request. `hive up` runs it as a child."""

import argparse
import hashlib
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from hive_site.commands.answers import answer
from hive_site.kernel.errors import Invalid
from hive_site.occupied import occupy

HELP = argparse.SUPPRESS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No choices."""
    parser.add_argument("--json", action="store_true")


def run(options: dict[str, Any]) -> int:
    """Migrate, and print the first API key and a login link."""
    from django.conf import settings
    from django.core.management import call_command

    from nodes.login_links import make_login_link

    occupy(settings.HIVE.data)
    import_tasks(settings.HIVE.task_modules)
    call_command("migrate", interactive=False, verbosity=0, stdout=sys.stderr)
    answer(
        {
            "api_key": first_api_key(settings.SECRETS / "api_key"),
            "login_url": make_login_link(settings.HIVE.nexus_url),
        }
    )
    return 0


def import_tasks(modules: list[str]) -> None:
    """Import the task modules, as every Spore will. Raises `Invalid` for one that breaks."""
    for module in modules:
        try:
            import_module(module)
        except Exception as error:  # whatever foreign code does when it is imported
            reason = f"HIVE_TASK_MODULES={module!r}: {type(error).__name__}: {error}; mend it"
            raise Invalid(reason, field="HIVE_TASK_MODULES") from error


def first_api_key(path: Path) -> str:
    """The key with every scope that is kept in `path`; a new one if the database knows none."""
    from hive_site.commands.key import SCOPES
    from hive_site.stack.files import write_private
    from nodes.models import ApiKey
    from nodes.services import create_api_key

    if path.exists():
        secret = path.read_text().strip()
        digest = hashlib.sha256(secret.encode()).hexdigest()
        if ApiKey.objects.filter(digest=digest, revoked_at=None).exists():
            return secret
    _, fresh = create_api_key(name="hive up", scopes=list(SCOPES))
    write_private(path, fresh)
    return str(fresh)
