"""Which files of a directory belong into a package: no secrets, no leavings, nothing elsewhere."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from hive_site.kernel.errors import Invalid
from ota.archive import Source
from ota.domain.zip_layout import MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES

GIT_SECONDS = 30
#: Directories, or what may stand for them, that are made from the rest or are nobody's business.
LEAVINGS = {
    *(".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"),
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".cache", ".idea", ".vscode"),
    *(".hive", ".DS_Store", ".coverage", "htmlcov", ".ipynb_checkpoints"),
}
SECRET = re.compile(
    r"\.env.*|.*\.(env|pem|key|p12|pfx|jks|ppk|kdbx)|.*\.sqlite3?(-.*)?|id_(rsa|dsa|ecdsa|ed25519).*"
    r"|\.netrc|\.pypirc|\.pgpass|\.git-credentials|\.ssh|\.aws|\.gnupg",
    re.IGNORECASE,
)
#: Whatever holds one of these is the data directory of some Nexus, perhaps not of this one.
KEPT = {"secrets/fleet_key", "secrets/secret_key", "secrets/redis_password"}
COMPILED = (".pyc", ".pyo", ".swp")
#: Of a whole project, at its root: data, and what nodes do not run.
DATA = {"var"}
NOT_RUN = {"tests", "bench", "docs"}
BUILT = re.compile(r"hive-.*\.zip(\.targets\.json)?")


def read_project(root: Path, *, with_tests: bool, data: Path) -> dict[str, Source]:
    """The files of a whole project, by their paths. Raises `Invalid`."""
    out = DATA if with_tests else DATA | {name for name in NOT_RUN if _is_left_out(root, name)}
    paths = (
        path
        for path in _list(root, data)
        if path.parts[0] not in out
        and not BUILT.fullmatch(path.name if len(path.parts) == 1 else "")
    )
    return _read(root, paths)


def read_source(place: Path, *, data: Path) -> dict[str, Source]:
    """What is laid over a project: a package under its name, a directory's contents, a file."""
    _refuse_link(place, place.name)
    if not place.is_dir():
        return _read(place.parent, iter([Path(place.name)]))
    found = _read(place, _list(place, data))
    prefix = f"{place.resolve().name}/" if (place / "__init__.py").exists() else ""
    return {f"{prefix}{path}": source for path, source in found.items()}


def _is_left_out(root: Path, name: str) -> bool:
    # A project may well have an application called docs.
    return name != "docs" or not (root / name / "__init__.py").exists()


def _list(root: Path, data: Path) -> Iterator[Path]:
    """Its files, relative to it, without leavings, secrets, and what Nexuses keep."""
    paths = _find(root)
    kept = {path.parent.parent for path in paths if "/".join(path.parts[-2:]) in KEPT}
    if Path() in kept or root.resolve() == data.resolve():
        raise Invalid(f"{root} is the data directory of a Nexus", field="source")
    for path in paths:
        plain = LEAVINGS.isdisjoint(path.parts) and not any(map(SECRET.fullmatch, path.parts))
        known = (root.resolve() / path).is_relative_to(data.resolve())
        if not plain or known or path.name.endswith(COMPILED) or kept & set(path.parents):
            continue
        _refuse_link_above(root, path)
        yield path


def _find(root: Path) -> list[Path]:
    return _ask_git(root) or _walk(root)


def _ask_git(root: Path) -> list[Path]:
    """The files that git does not ignore; none where there is no git, or it ignores all.

    Raises `Invalid` if it does not say: what it ignores may be nobody's business.
    """
    try:
        if _git(root, "check-ignore", "-q", ".").returncode == 0:
            return []
        found = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except (OSError, subprocess.TimeoutExpired) as fact:
        return _need_no_git(root, str(fact))
    if found.returncode:
        return _need_no_git(root, os.fsdecode(found.stderr))
    named = [Path(os.fsdecode(name)) for name in found.stdout.split(b"\0") if name]
    # A directory among them is a repository of its own, of which this one tells no files.
    inner = [path for path in named if (root / path).is_dir() and not (root / path).is_symlink()]
    more = [folder / path for folder in inner for path in _find_inner(root / folder)]
    there = [path for path in named if os.path.lexists(root / path) and path not in inner]
    return sorted({*there, *more})


def _find_inner(root: Path) -> list[Path]:
    # One that was never checked out has no git to ask, and no files.
    return _find(root) if (root / ".git").exists() else _walk(root)


def _need_no_git(root: Path, why: str) -> list[Path]:
    """Nothing. Raises `Invalid` where only git could say what is to be left out."""
    if any((place / ".git").exists() for place in (root, *root.resolve().parents)):
        words = " ".join(why.split())[:200]
        raise Invalid(f"git does not say what it ignores in {root}: {words}", field="source")
    return []


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=GIT_SECONDS,
        check=False,
    )


def _walk(root: Path) -> list[Path]:
    """All files and links, sorted, without looking into leavings."""
    found = []
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in LEAVINGS and name not in links]
        found += [here / name for name in (*names, *links)]
    return sorted(found)


def _refuse_link_above(root: Path, path: Path) -> None:
    for depth in range(1, len(path.parts) + 1):
        part = Path(*path.parts[:depth])
        _refuse_link(root / part, part.as_posix())


def _refuse_link(place: Path, name: str) -> None:
    if place.is_symlink():
        raise Invalid(f"{name} is a symbolic link; put a copy in its place", field="source")


def _read(root: Path, paths: Iterator[Path]) -> dict[str, Source]:
    found, total = dict[str, Source](), 0
    for path in paths:
        source = _read_file(root / path, path.as_posix())
        found[path.as_posix()] = source
        total += len(source.data)
        if total > MAX_TOTAL_BYTES or len(found) > MAX_FILES:
            rule = f"a package may have {MAX_FILES} files and {MAX_TOTAL_BYTES // 1024**2} MiB"
            raise Invalid(f"{root} has more; {rule}; is something to be ignored?", field="source")
    return found


def _read_file(place: Path, name: str) -> Source:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fact:
        raise Invalid(f"{name}: {fact.strerror}", field="source") from fact
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Invalid(f"{name} is no regular file", field="source")
        if about.st_size > MAX_FILE_BYTES:
            rule = f"a file may have {MAX_FILE_BYTES // 1024**2} MiB"
            raise Invalid(f"{name} is too large; {rule}", field="source")
        return Source(file.read(), 0o755 if about.st_mode & 0o100 else 0o644)
