"""`ota publish`: take a package in, so that it can be rolled out."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.kernel.errors import Conflict, Invalid
from ota.commands.answers import answer, say
from ota.domain.trust import SUFFIX

if TYPE_CHECKING:
    from ota.models import Release
    from ota.wheelhouse import Gathered

HELP = "take a package in, so that it can be rolled out"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which, and for whom."""
    parser.add_argument("file", metavar="FILE.zip", help="what `ota build` made")
    parser.add_argument(
        "--channel",
        choices=["dev", "stable"],
        help=f"default: stable if there is FILE.zip{SUFFIX} (`ota sign`), else dev",
    )
    parser.add_argument("--wheels", metavar="DIR", help="take the wheels it needs from there")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Publish; whatever is wrong with the package is a failure, not a wrong use."""
    from ota.services.publishing import publish
    from ota.wheelhouse import gather_for

    file = Path(options["file"])
    wheels = Path(options["wheels"]) if options["wheels"] else None
    if wheels and not wheels.is_dir():
        raise Invalid(f"--wheels {wheels} is no directory", field="wheels")
    signature = read_signature(file, options["channel"])
    channel = options["channel"] or ("stable" if signature else "dev")
    try:
        release = publish(file, channel=channel, signature=signature, who="ota publish")
    except Invalid as fact:
        raise Conflict(f"{file} was not published: {fact}") from fact
    except OSError as fact:
        raise Conflict(f"{file} was not published: {fact.strerror or fact}") from fact
    tell(release, gather_for(release, wheels=wheels), as_json=options["json"])
    return 0


def read_signature(file: Path, channel: str | None) -> bytes | None:
    """What `ota sign` left beside the package; None if it is for the channel dev."""
    sidecar = file.with_name(f"{file.name}{SUFFIX}")
    if channel == "dev" or not sidecar.exists():
        return None
    try:
        return sidecar.read_bytes()
    except OSError as fact:
        raise Conflict(f"{sidecar}: {fact.strerror}") from fact


def tell(release: "Release", gathered: "Gathered", *, as_json: bool) -> None:
    """What became of it."""
    if as_json:
        report = {
            "version": release.version,
            "channel": release.channel,
            "seq": release.seq,
            "sha256": release.sha256,
            "size": release.size,
            "signed_by": release.signed_by,
            "wheels_added": list(gathered.added),
            "wheels_missing": list(gathered.missing),
        }
        answer(report)
        return
    say(f"{release.version} is published as {release.target}, sha256 {release.sha256}")
    if gathered.added or gathered.missing:
        say(f"wheels: {len(gathered.added)} new, {len(gathered.missing)} missing")
        for name in gathered.missing:
            say(f"missing: {name}")
        if gathered.trouble:
            say(f"pip: {gathered.trouble}")
