"""Which wheels a lock means on this machine, for one Python."""

import re
from collections.abc import Iterable

from packaging.markers import InvalidMarker, Marker
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from ota.domain.requirements import BadLock, Pin, read_lock
from ota.spore.failures import Failed

#: It becomes the name of a file, and the Nexus gives it.
WHEEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,190}\.whl")


def pins_for_here(text: str) -> list[Pin]:
    """What a lock names for this machine: without the lines whose marker does not fit.

    Raises `Failed` with code "deps" for a text that is no lock.
    """
    try:
        return [pin for pin in read_lock(text) if not pin.marker or Marker(pin.marker).evaluate()]
    except (BadLock, InvalidMarker, ValueError) as fact:
        raise Failed("deps", f"the lock cannot be read: {fact}", permanent=True) from None


def choose_wheel(pin: Pin, names: Iterable[str], tags: tuple[str, ...]) -> str:
    """The wheel of these names that fits best; `tags` are those of the Python, best first.

    Raises `Failed` with code "deps" if none fits.
    """
    rank = {tag: place for place, tag in enumerate(tags)}
    fitting = [
        (min(places), name)
        for name in names
        if (places := [rank[tag] for tag in _tags(pin, name) if tag in rank])
    ]
    if not fitting:
        wanted = f"{pin.name}=={pin.version}"
        raise Failed("deps", f"the Nexus has no wheel of {wanted} for this Python; put one there")
    return min(fitting)[1]


def _tags(pin: Pin, name: str) -> list[str]:
    if not WHEEL.fullmatch(name):
        return []
    try:
        package, version, _, tags = parse_wheel_filename(name)
        wanted = canonicalize_name(pin.name), Version(pin.version)
    except (InvalidWheelFilename, InvalidVersion):
        return []
    return [str(tag) for tag in tags] if (package, version) == wanted else []
