#!/usr/bin/env python
"""The Hive's one command line: Django's, with the settings that fit the process."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

SPORE_COMMANDS = {"rqworker"}
#: A machine that joins has no database, and gets no secrets of a Nexus.
SPORE_VERBS = (["hive", "join"],)
INTERRUPTED = 130


def choose_settings(argv: list[str]) -> None:
    """Pick the settings module and the data directory before Django reads either."""
    command = argv[1] if len(argv) > 1 else ""
    spore = command in SPORE_COMMANDS and os.environ.get("HIVE_SPORE_DATABASE") != "1"
    spore = spore or argv[1:3] in SPORE_VERBS
    spore |= argv[1:3] == ["hive", "doctor"] and is_spore_only(os.environ)
    module = "hive_site.settings_spore" if spore else "hive_site.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    if command in ("hive", "ota"):
        from hive_site.commands.data_dir import find_data_dir

        if data := find_data_dir(argv[2:]):
            os.environ["HIVE_DATA_DIR"] = data


def visit_home(argv: list[str]) -> None:
    """Look at this machine with the eyes of the Spore whose `--home` is named, if one is."""
    from hive_site.joined_home import adopt, find_flag, read_home

    if home := find_flag(argv, "--home"):
        adopt(read_home(Path(home)), os.environ, home=Path(home))


def is_spore_only(environ: Mapping[str, str]) -> bool:
    """Whether this machine is set up as a Spore and nothing else: a key of a node or of a pool,
    none of a Nexus."""
    given = {name.removesuffix("_FILE") for name, value in environ.items() if value}
    of_nexus = {"HIVE_FLEET_KEY", "DATABASE_URL", "SECRET_KEY"}
    return bool(given & {"HIVE_NODE_KEY", "HIVE_POOL_KEY"}) and not given & of_nexus


def run(argv: list[str]) -> None:
    """Run a command of Django's or ours."""
    if argv[1:3] == ["hive", "healthy"]:
        from hive_site.commands.healthy import main as tell_health

        sys.exit(tell_health(argv[3:]))
    try:
        from django.core.exceptions import ImproperlyConfigured
    except ModuleNotFoundError:
        way = "`make up` makes an environment with it; then it is .venv/bin/python manage.py …"
        sys.exit(f"hive: {sys.executable} has no Django; {way}")

    try:
        if argv[1:3] == ["hive", "doctor"]:
            visit_home(argv)
        choose_settings(argv)
        if argv[1:2] == ["rqworker"]:
            argv = run_spore(argv)
        from django.core.management import execute_from_command_line

        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        sys.exit(f"hive: {error}")


def run_spore(argv: list[str]) -> list[str]:
    """Become a Spore; the arguments with what its home adds, if that is Django's to do."""
    from hive_site.joined_home import follow_home

    argv = follow_home(argv, os.environ)
    from hive_site.launching import is_managed, launch

    if is_managed(argv, os.environ):
        sys.exit(launch(argv))
    from hive_site.spore_start import read_plain, start

    if options := read_plain(argv, os.environ):
        sys.exit(start(options))
    return argv


def main() -> None:
    try:
        run(sys.argv)
    except KeyboardInterrupt:  # it may come while Django is still being imported
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
