"""What `ota sign` leaves beside a package: the signed list of releases that has it in it.

Read here only to learn its place in the list; whether the signatures hold is decided at the desk.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from hive_site.kernel.errors import Invalid
from ota.domain.manifest import MALFORMED
from ota.domain.states import Channel
from ota.inspection import Inspected

MAX_BYTES = 16 * 1024 * 1024
PATH = re.compile(rf"{Channel.STABLE}/hive-(?P<seq>[0-9]{{6,9}})-(?P<version>[^/]+)\.zip")
#: What it says by itself: where the floor is, and when it was built.
OWN = {"floor_seq", "built"}
NEVER = datetime.fromtimestamp(0, UTC)


def read_sidecar(envelope: bytes, package: Inspected) -> tuple[int, str]:
    """The number and the path under which operators signed for a package.

    Raises `Invalid` for the field `signature` if they signed for another one, or none.
    """
    if len(envelope) > MAX_BYTES:
        raise Invalid(f"the signature is longer than {MAX_BYTES} bytes", field="signature")
    try:
        targets = json.loads(envelope)["signed"]["targets"]
        found = {path: about for path, about in targets.items() if _is_of(about, package)}
        named = {path: PATH.fullmatch(path) for path in found}
        # Of the same bytes under two numbers, the higher is meant.
        seq, path = max((int(name["seq"]), path) for path, name in named.items() if name)
        told = found[path]["custom"]["hive"]
        _compare(told, named[path], package)
    except Invalid:
        raise
    except MALFORMED as fact:
        way = "`ota sign FILE.zip --keys KEYS` writes it"
        raise Invalid(f"the signature is not for this package; {way}", field="signature") from fact
    return seq, path


def _is_of(about: dict[str, Any], package: Inspected) -> bool:
    return bool(about["hashes"]["sha256"] == package.sha256 and about["length"] == package.size)


def _compare(told: dict[str, Any], name: Any, package: Inspected) -> None:
    """All that nodes go by must be what the package has."""
    there = package.custom(channel=Channel.STABLE, seq=int(name["seq"]), floor_seq=0, built=NEVER)[
        "hive"
    ]
    for word in sorted(there.keys() - OWN):
        if told.get(word) != there[word]:
            text = f"signed with {word} {told.get(word)!r}, but the package has {there[word]!r}"
            raise Invalid(text, field="signature")
    if name["version"] != package.about.version:
        text = f"signed as version {name['version']!r}, but it is {package.about.version!r}"
        raise Invalid(text, field="signature")
