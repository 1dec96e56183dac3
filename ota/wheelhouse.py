"""The wheels that releases need and nodes take from the Nexus, known by their SHA-256."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from packaging.markers import InvalidMarker, Marker

from hive_site.kernel.errors import Invalid, NotFound
from ota.archive import open_package
from ota.domain.release_file import PATH, ReleaseFile
from ota.domain.requirements import REQUIREMENTS, Pin, digest_requirements, read_lock, write_lines
from ota.domain.states import ReleaseState
from ota.models import Release
from ota.storage import UNFINISHED, WHEEL, keep_wheel, package_path, sha256_of, wheelhouse

PIP_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Gathered:
    """What came into the wheelhouse, and what a node like this machine still lacks."""

    added: tuple[str, ...] = ()
    #: `name==version`.
    missing: tuple[str, ...] = ()
    #: What pip had to say, if it failed.
    trouble: str = ""


def read_package_lock(sha256: str) -> tuple[ReleaseFile, tuple[Pin, ...]]:
    """What a stored package says of itself, and what its lock names. Raises `OSError`."""
    with open_package(package_path(sha256)) as package:
        about = ReleaseFile.read(b"".join(package.read(PATH)))
        if about.lock is None:
            return about, ()
        return about, read_lock(b"".join(package.read(about.lock)).decode())


def is_own_environment(about: ReleaseFile) -> bool:
    """Whether this project has the same requirements, so that a node has them installed."""
    own = settings.BASE_DIR / REQUIREMENTS
    text = own.read_text() if own.exists() else ""
    return digest_requirements(text) == about.requirements_sha256


def gather_for(
    release: Release, *, wheels: Path | None = None, seconds: float = PIP_SECONDS
) -> Gathered:
    """What a release needs that this project, and so a node, does not have yet."""
    about, pins = read_package_lock(release.sha256)
    if is_own_environment(about) and wheels is None:
        return Gathered()
    return gather(pins, wheels=wheels, seconds=seconds)


def gather(
    pins: Iterable[Pin], *, wheels: Path | None = None, seconds: float = PIP_SECONDS
) -> Gathered:
    """Bring the wheels of a lock here: from a directory, or from where pip finds them.

    Raises `Invalid` if the directory is none.
    """
    wanted, trouble = tuple(pins), ""
    if wheels is not None and not wheels.is_dir():
        raise Invalid(f"--wheels {wheels} is no directory", field="wheels")
    before = set(_stored())
    if wheels is not None:
        _take(wheels, wanted)
    elif lacking := _lacking(wanted):
        trouble = _download(lacking, seconds)
    added = sorted(set(_stored()) - before)
    missing = [f"{pin.name}=={pin.version}" for pin in _lacking(wanted)]
    return Gathered(tuple(added), tuple(missing), trouble)


def wheels_of(lock_sha256: str) -> list[dict[str, str]]:
    """Name and SHA-256 of each stored wheel that a lock names. Raises `NotFound`."""
    rows = Release.objects.exclude(state=ReleaseState.PURGED)
    row = rows.filter(environment=lock_sha256).first()
    if row is None:
        raise NotFound(f"no release here has a lock with the SHA-256 {lock_sha256}")
    try:
        _, pins = read_package_lock(row.sha256)
    except FileNotFoundError as fact:
        raise NotFound(f"the package of release {row} is gone") from fact
    hashes = {each for pin in pins for each in pin.hashes}
    found = sorted(_stored().items())
    return [{"name": name, "sha256": sha256} for name, sha256 in found if sha256 in hashes]


def useless_wheels(packages: Iterable[str]) -> list[Path]:
    """Files of the wheelhouse that no lock of these packages names, by their SHA-256."""
    named: set[str] = set()
    for package in packages:
        with suppress(FileNotFoundError):
            named |= {each for pin in read_package_lock(package)[1] for each in pin.hashes}
    stored = _stored()
    return [p for p in sorted(wheelhouse().iterdir()) if stored.get(p.name, "") not in named]


def _stored() -> dict[str, str]:
    """The SHA-256 of every wheel here, by its name."""
    files = [path for path in wheelhouse().iterdir() if WHEEL.fullmatch(path.name)]
    return {path.name: _digest(path, path.stat().st_mtime_ns) for path in files}


@lru_cache(maxsize=4096)
def _digest(path: Path, changed_ns: int) -> str:
    return sha256_of(path)


def _lacking(pins: tuple[Pin, ...]) -> list[Pin]:
    """Those that this machine would need, and of which no file is here."""
    here = set(_stored().values())
    return [pin for pin in pins if _is_for_us(pin) and not here & pin.hashes]


def _is_for_us(pin: Pin) -> bool:
    try:
        return not pin.marker or Marker(pin.marker).evaluate()
    except InvalidMarker:
        return True


def _take(folder: Path, pins: tuple[Pin, ...]) -> None:
    """Copy what a lock names; anything else in the directory is none of our business."""
    hashes = {each for pin in pins for each in pin.hashes}
    for path in sorted(folder.glob("*.whl")):
        if WHEEL.fullmatch(path.name) and (sha256 := sha256_of(path)) in hashes:
            keep_wheel(path, sha256)


def _download(pins: list[Pin], seconds: float) -> str:
    """Let pip fetch them; what went wrong, if anything did."""
    folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=wheelhouse()))
    try:
        lock = folder / "lock.txt"
        lock.write_text(write_lines(pins))
        options = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "--quiet")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "-d", folder, "-r", lock],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        _take(folder, tuple(pins))
        return "" if done.returncode == 0 else " ".join(done.stderr.split())[-300:]
    except (OSError, subprocess.TimeoutExpired) as fact:
        return str(fact)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
