"""`hive key`: a new key for the REST API."""

import argparse
import sys
from typing import Any

from hive_site.commands.answers import answer
from hive_site.kernel.errors import Invalid

HELP = "make an API key and print it once"
SCOPES = ("submit", "read", "control", "ota", "pickle")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME and its scopes."""
    parser.add_argument("name", metavar="NAME", help="whose it is or what it is for")
    parser.add_argument(
        "--scopes",
        default="submit,read",
        metavar="A,B",
        help=f"some of {','.join(SCOPES)} (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Make the key; nobody can read it again later."""
    scopes = read_scopes(options["scopes"])
    from nodes.services import create_api_key

    _, secret = create_api_key(name=options["name"], scopes=scopes)
    if options["json"]:
        answer({"name": options["name"], "scopes": scopes, "key": secret})
    else:
        sys.stdout.write(secret + "\n")
        sys.stderr.write("Keep it: only its fingerprint is stored, it cannot be shown again.\n")
    return 0


def read_scopes(text: str) -> list[str]:
    """The scopes in `text`, each once. Raises `Invalid` for a word that is none."""
    scopes = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        given = ", ".join(map(repr, wrong)) or "nothing"
        raise Invalid(f"--scopes: {given}; give some of {','.join(SCOPES)}", field="scopes")
    return scopes
