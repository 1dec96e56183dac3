"""Which releases of the code will do: one by its name, or a range of versions."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]{0,63}")
MAX_CHARS = 64
RULE = "give a release like 1.4.2, or comparisons like >=1.4 or >=1.4,<2"


@dataclass(frozen=True, slots=True)
class Releases:
    """What somebody asked for. Versions compare as Python's packages do (PEP 440)."""

    text: str

    @classmethod
    def read(cls, text: Any) -> "Releases":
        """The wish in a text. Raises `ValueError` with the rule if it is none."""
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_CHARS:
            raise ValueError(f"{text!r}; {RULE}")
        if not NAME.fullmatch(text) and not _specifier(text):  # of nothing but commas, empty
            raise ValueError(f"{text!r}; {RULE}")
        return cls(text)

    def __str__(self) -> str:
        return self.text

    def admits(self, release: str) -> bool:
        """Whether this release is one of them."""
        return _admits(self.text, release)


@lru_cache(maxsize=4096)
def _admits(wish: str, release: str) -> bool:
    if wish == release:
        return True
    version = _version(release)
    if version is None:
        return False  # whatever is no version equals itself alone
    if NAME.fullmatch(wish):
        return _version(wish) == version
    wanted = _specifier(wish)
    # Whoever runs a pre-release here means it.
    return wanted is not None and wanted.contains(version, prereleases=True)


def _specifier(text: str) -> SpecifierSet | None:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None
