"""Which names files in a package may have: those that mean the same on every machine.

What is refused is never mended: whoever built the package meant something else, or no good.
"""

import re
import unicodedata
from collections.abc import Iterable

MAX_NAME_BYTES = 200
MAX_DEPTH = 20
#: What Windows takes for a device, whatever its extension is.
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
#: Python runs these, or takes them for the module itself, without anybody's import.
RUN_UNASKED = ("sitecustomize", "usercustomize")
RUN_UNASKED_SUFFIXES = (".pth", ".pyc")
#: Secrets and history.
PRIVATE = (".env", ".git")


class BadName(ValueError):
    """A name, or two of them, that a package may not have."""


def check_names(names: Iterable[str]) -> None:
    """Raises `BadName` for the first that may not be, or that another one clashes with."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        check_name(name)
        folded = _fold(name)
        if folded in seen:
            raise BadName(f"{seen[folded]!r} and {name!r} are one file on some machines")
        seen[folded] = name
        parts = folded.split("/")
        folders |= {"/".join(parts[:depth]): name for depth in range(1, len(parts))}
    for folded in seen.keys() & folders.keys():
        raise BadName(f"{seen[folded]!r} is a file, and a directory of {folders[folded]!r}")


def check_name(name: str) -> None:
    """Raises `BadName` with what is wrong."""
    if reason := _fault(name):
        raise BadName(f"{name[:MAX_NAME_BYTES]!r} {reason}")


def _fault(name: str) -> str:
    if len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    if not name.isprintable() or any(letter in name for letter in '\\:*?"<>|'):
        return "has a character that not every machine takes"
    if unicodedata.normalize("NFC", name) != name:
        return "is not in Unicode's normal form C"
    parts = name.split("/")
    if len(parts) > MAX_DEPTH:
        return f"lies deeper than {MAX_DEPTH} directories"
    return next((fault for part in parts if (fault := _fault_of_part(part))), "")


def _fault_of_part(part: str) -> str:
    if part in ("", ".", ".."):
        return "is no relative path of plain names"
    if part[-1] in ". " or part[0] == " ":
        return "begins or ends with what some machines drop"
    if DEVICES.fullmatch(part):
        return "is a device on some machines"
    low = part.casefold()
    # As a module, a package or a library of machine code.
    if low.partition(".")[0] in RUN_UNASKED or low.endswith(RUN_UNASKED_SUFFIXES):
        return "would be run by Python without being asked for"
    if low in PRIVATE:
        return "is nobody else's business"
    return ""


def _fold(name: str) -> str:
    """What is equal for file systems that ignore case, or the way that letters are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKD", name).casefold())
