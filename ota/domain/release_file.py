"""What a release says of itself, in a file of its package: version, tasks, what it needs."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from ota.domain.manifest import MALFORMED, SHA256
from ota.domain.names import BadName, check_name

PATH = ".hive/release.json"
SCHEMA = 1
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+!-]{0,63}")
VERSION_RULE = "give 1 to 64 letters, digits and _ . + ! -, a letter or digit first"
#: A range of versions of Python as packages give it, as far as characters go.
PYTHON = re.compile(r"[0-9A-Za-z.*=<>!~, -]{1,100}")
MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
MAX_MODULES, MAX_MODULE_CHARS = 200, 200
#: What a release file is never longer than.
MAX_BYTES = 64 * 1024


class BadReleaseFile(ValueError):
    """The text is no release file."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """The contents of `.hive/release.json`."""

    version: str
    python: str
    task_modules: tuple[str, ...]
    requirements_sha256: str
    lock: str | None = None
    lock_sha256: str = ""

    @classmethod
    def read(cls, text: bytes) -> "ReleaseFile":
        """The release file that a text is. Raises `BadReleaseFile` with what is wrong."""
        try:
            body = json.loads(text)
            if body.pop("schema") != SCHEMA:
                raise ValueError("has a schema that is not known here")
            found = cls(**{**body, "task_modules": _read_modules(body["task_modules"])})
            found.check()
        except MALFORMED as fact:
            raise BadReleaseFile(f"{PATH}: {fact}") from None
        if found.write() != text:
            raise BadReleaseFile(f"{PATH} is not written as release files are")
        return found

    def write(self) -> bytes:
        """The text: the same for the same release, byte by byte."""
        body = {"schema": SCHEMA, **asdict(self)}
        return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"

    def check(self) -> None:
        """Raises `BadReleaseFile` for a field that makes no sense, with the rule."""
        _must(_fits(VERSION, self.version), f"version: {self.version!r}; {VERSION_RULE}")
        _must(_fits(PYTHON, self.python), f"python: {self.python!r}; give a range like >=3.11")
        for module in self.task_modules:
            sound = _fits(MODULE, module) and len(module) <= MAX_MODULE_CHARS
            _must(sound, f"task_modules: {module!r} is no module's name")
        _must(len(self.task_modules) <= MAX_MODULES, f"task_modules: {MAX_MODULES} modules at most")
        _must(_fits(SHA256, self.requirements_sha256), "requirements_sha256 is no SHA-256")
        if self.lock is None:
            _must(self.lock_sha256 == "", "lock_sha256: there is no lock")
            return
        _must(_fits(SHA256, self.lock_sha256), "lock_sha256 is no SHA-256")
        try:
            check_name(self.lock)
        except BadName as fact:
            raise BadReleaseFile(f"lock: {fact}") from None


def _read_modules(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list):
        raise ValueError("task_modules is no list")
    return tuple(found)


def _fits(rule: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and rule.fullmatch(value) is not None


def _must(holds: bool, fault: str) -> None:
    if not holds:
        raise BadReleaseFile(fault)
