#!/usr/bin/env python
"""The Hive's one command line: Django's, with the settings that fit the process."""

import os
import sys

SPORE_COMMANDS = {"rqworker"}
INTERRUPTED = 130


def choose_settings(argv: list[str]) -> None:
    """Pick the settings module and the data directory before Django reads either."""
    command = argv[1] if len(argv) > 1 else ""
    spore = command in SPORE_COMMANDS and os.environ.get("HIVE_SPORE_DATABASE") != "1"
    module = "hive_site.settings_spore" if spore else "hive_site.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    if command in ("hive", "ota"):
        from hive_site.commands.data_dir import find_data_dir

        if data := find_data_dir(argv[2:]):
            os.environ["HIVE_DATA_DIR"] = data


def run(argv: list[str]) -> None:
    """Run a command of Django's or ours."""
    choose_settings(argv)
    from django.core.exceptions import ImproperlyConfigured

    try:
        if argv[1:2] == ["rqworker"]:
            from hive_site.launching import is_managed, launch

            if is_managed(argv, os.environ):
                sys.exit(launch(argv))
        from django.core.management import execute_from_command_line

        execute_from_command_line(argv)
    except ImproperlyConfigured as error:
        sys.exit(f"hive: {error}")


def main() -> None:
    try:
        run(sys.argv)
    except KeyboardInterrupt:  # it may come while Django is still being imported
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
