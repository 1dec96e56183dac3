"""`ota sign`: an operator's word for a package."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ota.commands.answers import answer, say

HELP = "check a package and sign for it, for the channel stable"
DESCRIPTION = """Reads all of the package, and writes FILE.zip.targets.json beside it: the signed
list of releases with this one in it, which `ota publish FILE.zip --channel stable` takes along.
Where two signatures are needed, the second operator signs the same file, with the first one's
.targets.json beside it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE.zip and the keys."""
    parser.description = DESCRIPTION
    parser.add_argument("file", metavar="FILE.zip", help="what `ota build` made")
    parser.add_argument("--keys", metavar="KEYS", required=True, help="the directory of your keys")
    parser.add_argument(
        "--floor", type=int, metavar="N", help="nodes take no release with a number below N again"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Sign, and say what is still missing."""
    from ota.trust.nexus import open_desk
    from ota.trust.sidecar import sign_package

    desk = open_desk(options["keys"])
    done = sign_package(desk, Path(options["file"]), options["floor"], datetime.now(UTC))
    if options["json"]:
        answer(
            {
                "target": done.target.path,
                "seq": done.target.seq,
                "version": done.target.version,
                "sidecar": str(done.sidecar),
                "keys": list(done.keys),
                "missing": done.missing,
            }
        )
        return 0
    say(f"signed {done.target.path} with {', '.join(key[:16] for key in done.keys)}")
    if done.missing:
        more = "signature" if done.missing == 1 else "signatures"
        say(f"{done.missing} more {more} needed: `ota sign` with another operator's keys")
    else:
        say(f"{done.sidecar} goes with it: `ota publish {options['file']} --channel stable`")
    return 0
