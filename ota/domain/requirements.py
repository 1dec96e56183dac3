"""What a release needs installed: `requirements.txt`, and the lock that names every file of it.

A lock holds names, versions, markers and hashes, and nothing that says where files come from:
nodes take them from the Nexus alone.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

REQUIREMENTS, LOCK = "requirements.txt", "requirements.lock"
HEADER = "# for requirements.txt sha256:"
PIN = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[A-Za-z0-9._, -]*\])?"
    r"==(?P<version>[A-Za-z0-9.!+_-]+)"
    r"( ?; ?(?P<marker>(?:(?! -)[^#\\])*?))?(?P<hashes>( --hash=sha256:[0-9a-f]{64})+)"
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
BACKSLASH = "\\"
#: Whatever is longer is no lock.
MAX_LOCK_BYTES = 4 * 1024 * 1024


class BadLock(ValueError):
    """The text is no lock, or one that says where to get things."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One distribution of a lock; any file of it with one of these SHA-256 will do."""

    name: str
    version: str
    marker: str
    hashes: frozenset[str]


def digest_requirements(text: str) -> str:
    """SHA-256 of what is required, whatever the order, the comments and the blank lines."""
    lines = (line.strip() for line in text.splitlines())
    needed = sorted(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256("\n".join(needed).encode()).hexdigest()


def header_of(requirements: str) -> str:
    """The first line of a lock for these requirements."""
    return f"{HEADER}{digest_requirements(requirements)}"


def is_lock_for(lock: str, requirements: str) -> bool:
    """Whether a lock says that it was made for these requirements."""
    return lock.partition("\n")[0].strip() == header_of(requirements)


def read_lock(text: str) -> tuple[Pin, ...]:
    """What a lock names. Raises `BadLock` with the line that does not belong there."""
    return tuple(_read_pin(line) for line in _joined_lines(text))


def write_lines(pins: Iterable[Pin]) -> str:
    """What tools are given: they read locks in ways of their own, and these lines in one only."""
    return "".join(f"{_write_pin(pin)}\n" for pin in pins)


def _write_pin(pin: Pin) -> str:
    hashes = " ".join(f"--hash=sha256:{each}" for each in sorted(pin.hashes))
    return f"{pin.name}=={pin.version} {hashes}"


def _joined_lines(text: str) -> Iterator[str]:
    """Its lines without comments, those that end in a backslash with the ones behind them."""
    begun = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.replace("\t", " ").isprintable():
            raise BadLock(f"{line[:80]!r}; some would read that as two lines")
        # A backslash at the end of a comment joins nothing.
        if not begun and line.lstrip().startswith("#"):
            continue
        begun += f"{line.removesuffix(BACKSLASH)} "
        if not line.endswith(BACKSLASH):
            yield from filter(None, [" ".join(begun.split())])
            begun = ""
    yield from filter(None, [" ".join(begun.split())])


def _read_pin(line: str) -> Pin:
    found = PIN.fullmatch(line)
    if not found:
        rule = "a lock has lines like name==1.0 --hash=sha256:…, and no address"
        raise BadLock(f"{line[:80]!r}; {rule}")
    hashes = frozenset(HASH.findall(found["hashes"]))
    return Pin(found["name"], found["version"], found["marker"] or "", hashes)
