"""What a node fetches in one go, served to tuf as if it were a site with files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface

from ota.domain.trust import DEV, SNAPSHOT, TARGETS, TIMESTAMP, Untrusted

SITE = "bundle://nexus/"
ROLES = (TIMESTAMP, SNAPSHOT, TARGETS, DEV)
CHUNK_BYTES = 64 * 1024
ABSENT = 404
#: What reading nonsense raises.
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)


class Files(FetcherInterface):
    """Serves texts by their names; whatever else is asked for does not exist."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = urlsplit(url).path.lstrip("/")
        if name not in self._files:
            raise DownloadHTTPError(f"the Nexus sent no {name}", ABSENT)
        data = self._files[name]
        return (data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES))


def read_bundle(bundle: Any) -> dict[str, bytes]:
    """The texts of a bundle by their file names. Raises `Untrusted`."""
    try:
        files = {f"{role}.json": bundle[role].encode() for role in ROLES if bundle.get(role)}
        for text in bundle["roots"]:
            # Only its name is taken from here; tuf judges what is in it.
            version = json.loads(text)["signed"]["version"]
            files[f"{int(version)}.root.json"] = text.encode()
    except MALFORMED as fact:
        reason = f"what the Nexus sent is no bundle of metadata: {type(fact).__name__} {fact}"
        raise Untrusted("malformed", reason) from None
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    """The texts that a node kept."""
    kept = {role: folder / f"{role}.json" for role in ROLES}
    return {path.name: path.read_bytes() for path in kept.values() if path.is_file()}
