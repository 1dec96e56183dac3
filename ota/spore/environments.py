"""The Python that a release runs with: this installation's own one, or one that its lock makes."""

import contextlib
import ctypes
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from hive_site.kernel.crash import crash_point
from hive_site.kernel.disk import replace_file
from ota.domain.requirements import Pin, write_lines
from ota.spore.failures import Failed
from ota.spore.fetching import Fetcher, Open, Wanted
from ota.spore.interpreters import Interpreter, is_usable
from ota.spore.locks import choose_wheel, pins_for_here
from ota.spore.nexus import NexusAway, Refused
from ota.spore.places import READY, Places, discard, read_ready
from ota.spore.programs import run

BUILD_SECONDS = 300.0
PROBE_SECONDS = 20.0
MAX_WHEEL_BYTES = 4 * 1024**3


class Wheelhouse(Protocol):
    """Where wheels come from (`ota.spore.nexus.NexusClient`)."""

    def wheels(self, lock_sha256: str) -> list[dict[str, str]]:
        """What there is for a lock."""

    def wheel(self, name: str) -> Any:
        """One of them, opened."""


@dataclass(frozen=True, slots=True)
class Lock:
    """The lock of a release."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Workshop:
    """What environments are built with. `left` gives the seconds that there still are."""

    places: Places
    wheelhouse: Wheelhouse
    fetcher: Fetcher
    left: Callable[[], float]
    env: Mapping[str, str]


def find_environment(
    lock: Lock, base: Interpreter, workshop: Workshop, progress: Callable[[float], None]
) -> str:
    """The program of a Python that has exactly what the lock names; built if it is not there.

    Raises `Failed` with code "deps", `OSError`.
    """
    folder = workshop.places.environments / f"{lock.sha256[:16]}-{base.abi}"
    if (python := read_ready(folder, lock.sha256)) and is_usable(python):
        return python
    discard(folder)
    wheels = workshop.places.wheels / lock.sha256[:16]
    pins = _fetch_wheels(lock, base, workshop, wheels, progress)
    crash_point("stager.wheels")
    python = _build(folder, pins, base, workshop, wheels)
    crash_point("stager.built")
    _sync(folder)
    facts = {"python": python, "lock_sha256": lock.sha256, "base": base.path}
    replace_file(folder / READY, json.dumps(facts, sort_keys=True).encode())
    discard(wheels)
    return python


def _fetch_wheels(
    lock: Lock,
    base: Interpreter,
    workshop: Workshop,
    into: Path,
    progress: Callable[[float], None],
) -> list[Pin]:
    """Bring what the lock names for this machine; what that is."""
    pins = pins_for_here(lock.path.read_text())
    try:
        offered = workshop.wheelhouse.wheels(lock.sha256)
    except (NexusAway, Refused) as fact:
        raise Failed("deps", f"the Nexus does not say which wheels it has: {fact}") from None
    for place, pin in enumerate(pins):
        _fetch_wheel(pin, base, workshop, into, offered)
        progress((place + 1) / (len(pins) + 1))
    return pins


def _fetch_wheel(
    pin: Pin, base: Interpreter, workshop: Workshop, into: Path, offered: list[dict[str, str]]
) -> None:
    known = [row["name"] for row in offered if row["sha256"] in pin.hashes]
    name = choose_wheel(pin, known, base.tags)
    wanted = Wanted(into / name, pin.hashes, at_most=MAX_WHEEL_BYTES)
    open_at: Open = lambda start: workshop.wheelhouse.wheel(name)  # noqa: E731
    seconds = min(BUILD_SECONDS, workshop.left())
    try:
        workshop.fetcher.fetch(wanted, open_at, seconds=seconds)
    except Failed as fact:
        raise Failed("deps", f"{name}: {fact.reason}") from None


def _build(
    folder: Path, pins: list[Pin], base: Interpreter, workshop: Workshop, wheels: Path
) -> str:
    """Make the environment. All that tools write lies below the home."""
    scratch = workshop.places.staging / "building"
    discard(scratch)
    scratch.mkdir(parents=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    wheels.mkdir(parents=True, exist_ok=True)
    python = folder / "bin" / "python"
    log, env = scratch / "log", _closed(workshop.env, scratch)
    lines = scratch / "lock.txt"
    lines.write_text(write_lines(pins))
    uv = _find_uv(base, env, scratch)
    steps = _uv_steps(uv, folder, base) if uv else _pip_steps(folder, base)
    options = ("--require-hashes", "--no-index", "--find-links", wheels)
    steps[-1] += [*options, *(() if uv else ("-r",)), lines]
    until = time.monotonic() + min(BUILD_SECONDS, workshop.left())
    for step in steps:
        run(step, env=env, seconds=until - time.monotonic(), log=log)
    with contextlib.suppress(Failed):
        # Some packages carry files for other Pythons, which do not compile here.
        compile_all: list[str | Path] = [python, "-m", "compileall", "-q", folder / "lib"]
        run(compile_all, env=env, seconds=until - time.monotonic(), log=log)
    discard(scratch)
    return str(python)


def _uv_steps(uv: str, folder: Path, base: Interpreter) -> list[list[str | Path]]:
    python = folder / "bin" / "python"
    return [
        [uv, "venv", "--no-project", "--offline", "--python", base.path, folder],
        [uv, "pip", "sync", "--python", python, "--no-build", "--offline"],
    ]


def _pip_steps(folder: Path, base: Interpreter) -> list[list[str | Path]]:
    """Pip of the base installs into the new environment, which needs none itself."""
    python = folder / "bin" / "python"
    quiet = ("--disable-pip-version-check", "--no-cache-dir", "--no-compile", "--no-deps")
    install = ("install", *quiet, "--only-binary", ":all:")
    return [
        [base.path, "-m", "venv", "--without-pip", folder],
        [base.path, "-m", "pip", "--isolated", "--python", python, *install],
    ]


def _find_uv(base: Interpreter, env: Mapping[str, str], scratch: Path) -> str:
    """A uv that runs on this machine: on the path, or beside the Python; empty if there is none."""
    beside = f"{Path(base.path).parent}"
    path = os.pathsep.join(filter(None, (env.get("PATH", ""), beside)))
    uv = shutil.which("uv", path=path)
    if not uv:
        return ""
    try:
        run([uv, "--version"], env=env, seconds=PROBE_SECONDS, log=scratch / "probe")
    except (Failed, OSError):
        return ""
    return uv


def _closed(env: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """An environment in which tools read nobody's settings, and write only into `scratch`."""
    kept = {name: env[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in env}
    return {
        **kept,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "UV_CACHE_DIR": str(scratch / "cache"),
        "UV_LINK_MODE": "copy",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CONFIG_FILE": os.devnull,
    }


def _sync(folder: Path) -> None:
    """Everything on the disk that holds this directory survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor):
            raise OSError(ctypes.get_errno(), "the disk could not be written", str(folder))
    except AttributeError:
        # Not every system knows syncfs.
        os.sync()
    finally:
        os.close(descriptor)
