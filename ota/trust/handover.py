"""What an operator's machine leaves for the Nexus to publish."""

from pathlib import Path

from tuf.api.metadata import Targets

from ota.domain.trust import Untrusted
from ota.spore.chain import read_root, read_signed

WAY = "carry all of KEYS/*.json over"


def read_handover(path: Path, known: bytes, published: bytes) -> tuple[list[bytes], bytes | None]:
    """The roots that lead from the known one to that at `path`, and the targets beside it.

    None instead of targets that are no newer than the published ones. Raises `Untrusted` if
    a root is missing, and `OSError`.
    """
    newest, here = path.read_bytes(), read_root(known).signed.version
    last = read_root(newest).signed.version
    if last < here:
        raise Untrusted("rollback", f"{path} is root {last}; root {here} is published here")
    roots = []
    for version in range(here + 1, last):
        between = path.with_name(f"{version}.root.json")
        if not between.is_file():
            raise Untrusted("mismatch", f"{between} is missing between the two roots: {WAY}")
        roots.append(between.read_bytes())
    roots += [newest] if last > here else []
    targets = path.with_name("targets.json")
    return roots, _newer(targets.read_bytes(), published) if targets.is_file() else None


def _newer(targets: bytes, published: bytes) -> bytes | None:
    new, old = read_signed(Targets, targets).signed, read_signed(Targets, published).signed
    return targets if new.version > old.version else None
