"""Environments of their own for peers and for pictures: made on first use, from pinned files."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from hive_site.configuration import PROJECT
from hive_site.kernel.errors import HiveError

HOME = PROJECT / ".bench"
PINS = PROJECT / "bench" / "peers"
#: What the environment was made from, written last.
MARK = "made-from.txt"
QUIET = ("--quiet", "--disable-pip-version-check", "--no-input")


class NotInstalled(HiveError):
    """An environment could not be made."""


def read_pins(name: str) -> dict[str, str]:
    """The pinned versions of an environment, by distribution."""
    lines = (PINS / f"{name}.txt").read_text().splitlines()
    pins = (line.partition("==") for line in lines if "==" in line)
    return {name.partition("[")[0].strip(): version.strip() for name, _, version in pins}


def require_environment(
    name: str, *, say: Callable[[str], None], home: Path = HOME, pins: Path = PINS
) -> Path:
    """The directory of its programs; what is missing or of other versions is made anew.

    Raises `NotInstalled` with the last words of pip.
    """
    folder = home / name
    file = pins / f"{name}.txt"
    wanted = f"{sys.version}\n{file.read_text()}"
    mark = folder / MARK
    if not (mark.exists() and mark.read_text() == wanted):
        say(f"installing {name} into {folder}")
        shutil.rmtree(folder, ignore_errors=True)
        _run(name, [sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", *QUIET]
        _run(name, [*pip, "-r", str(file)])
        mark.write_text(wanted)
    return folder / "bin"


def install(
    names: Iterable[str], *, say: Callable[[str], None], home: Path = HOME, pins: Path = PINS
) -> tuple[dict[str, Path], dict[str, str]]:
    """The programs of each environment, and why there are none of the others."""
    found: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys(names):
        try:
            found[name] = require_environment(name, say=say, home=home, pins=pins)
        except NotInstalled as fact:
            missing[name] = str(fact)
    return found, missing


def _run(name: str, argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
        raise NotInstalled(f"{name} cannot be installed: {words[-1]}")
