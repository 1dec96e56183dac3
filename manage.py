#!/usr/bin/env python
"""The Hive's one command line: Django's, with the settings that fit the process."""

import os
import sys

SPORE_COMMANDS = {"rqworker"}


def choose_settings(argv: list[str]) -> None:
    """Pick the settings module and the data directory before Django reads either."""
    command = argv[1] if len(argv) > 1 else ""
    spore = command in SPORE_COMMANDS and os.environ.get("HIVE_SPORE_DATABASE") != "1"
    module = "hive_site.settings_spore" if spore else "hive_site.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", module)
    if command == "hive":
        for here, following in zip(argv, [*argv[1:], ""], strict=True):
            if here == "--data" and following:
                os.environ["HIVE_DATA_DIR"] = following
            elif here.startswith("--data="):
                os.environ["HIVE_DATA_DIR"] = here.removeprefix("--data=")


def main() -> None:
    choose_settings(sys.argv)
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"hive: {error}")


if __name__ == "__main__":
    main()
