"""Makes a package of directories and files: the same of them are always the same bytes."""

import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hive_site.kernel.errors import Invalid
from ota.archive import Package, Source, write_package
from ota.domain import release_file
from ota.domain.manifest import Manifest
from ota.domain.names import BadName
from ota.domain.release_file import MODULE, BadReleaseFile, ReleaseFile
from ota.domain.requirements import LOCK, REQUIREMENTS, BadLock, digest_requirements
from ota.domain.zip_layout import BadArchive
from ota.locking import NoLock, find_lock, read_text
from ota.sources import read_project, read_source
from ota.storage import MAX_PACKAGE_BYTES

MAIN = "manage.py"
ANY_PYTHON = ">=3.11"
TASK = re.compile(rb"^[ \t]*@([A-Za-z_]\w*\.)*task\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What to build, and of what."""

    version: str
    sources: tuple[Path, ...]
    #: What is built without a source that is a whole project.
    project: Path
    #: Where the Nexus has its data: never part of a package.
    data: Path
    #: Where locks are kept that are made here.
    kept_locks: Path
    tasks: tuple[str, ...] = ()
    known_tasks: tuple[str, ...] = ()
    with_tests: bool = False
    no_lock: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """A package in memory, and what is in it."""

    data: bytes
    manifest: Manifest
    about: ReleaseFile
    #: Why it has no lock; empty if it has one.
    lockless: str


def build(wish: Wish) -> Built:
    """Make the package. Raises `Invalid` with what to change, and `OSError`."""
    if not release_file.VERSION.fullmatch(wish.version):
        raise Invalid(f"{wish.version!r}; {release_file.VERSION_RULE}", field="version")
    base, laid = read_tree(wish)
    tree = base | laid
    python = find_python(tree)
    tree, lockless = _lock(tree, wish, python)
    about = ReleaseFile(
        version=wish.version,
        python=python,
        task_modules=choose_tasks(wish, tree, laid),
        requirements_sha256=digest_requirements(_text(tree, REQUIREMENTS)),
        lock=None if lockless else LOCK,
        lock_sha256="" if lockless else tree[LOCK].sha256,
    )
    tree[release_file.PATH] = Source(about.write())
    return _pack(tree, about, lockless)


def read_tree(wish: Wish) -> tuple[dict[str, Source], dict[str, Source]]:
    """The files of the project, and those that are laid over it. Raises `Invalid`."""
    for place in wish.sources:
        if not place.exists():
            raise Invalid(f"there is no {place}", field="source")
    whole = [place for place in wish.sources if (place / MAIN).is_file()]
    if len(whole) > 1:
        names = " and ".join(str(place) for place in whole)
        raise Invalid(f"{names} both have a {MAIN}; give one whole project", field="source")
    root = whole[0] if whole else wish.project
    base = read_project(root.resolve(), with_tests=wish.with_tests, data=wish.data)
    laid = dict[str, Source]()
    for place in wish.sources:
        if place not in whole:
            laid |= read_source(place, data=wish.data)
    return base, laid


def find_python(tree: Mapping[str, Source]) -> str:
    """Which versions of Python will do, as the project says. Raises `Invalid`."""
    try:
        project = tomllib.loads(_text(tree, "pyproject.toml")).get("project", {})
        found = str(project.get("requires-python", ANY_PYTHON))
        SpecifierSet(found)
    except (tomllib.TOMLDecodeError, AttributeError, InvalidSpecifier) as fact:
        raise Invalid(f"pyproject.toml: {fact}", field="source") from fact
    return found


def choose_tasks(
    wish: Wish, tree: Mapping[str, Source], laid: Mapping[str, Source]
) -> tuple[str, ...]:
    """The modules that a node imports for their tasks. Raises `Invalid`."""
    for module in wish.tasks:
        if not _is_module(module, tree):
            way = "name a module of the package; HIVE_TASK_MODULES of a node may name others"
            raise Invalid(f"{module!r} is not in the package; {way}", field="tasks")
    if wish.tasks:
        return tuple(dict.fromkeys(wish.tasks))
    known = [module for module in wish.known_tasks if _is_module(module, tree)]
    new = [_module_of(path) for path in sorted(laid) if _has_tasks(path, laid[path].data)]
    return tuple(dict.fromkeys([*known, *new]))


def _is_module(module: str, tree: Mapping[str, Source]) -> bool:
    path = module.replace(".", "/")
    return bool(MODULE.fullmatch(module)) and (
        f"{path}.py" in tree or f"{path}/__init__.py" in tree
    )


def _has_tasks(path: str, data: bytes) -> bool:
    name = PurePosixPath(path).name
    program = name.endswith(".py") and not name.startswith(("test_", "conftest"))
    return program and bool(MODULE.fullmatch(_module_of(path)) and TASK.search(data))


def _module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _lock(tree: dict[str, Source], wish: Wish, python: str) -> tuple[dict[str, Source], str]:
    """The tree with a lock that fits, or with none and the reason."""
    without = {path: source for path, source in tree.items() if path != LOCK}
    if wish.no_lock:
        return without, "it was not wanted"
    try:
        return without | {LOCK: Source(find_lock(tree, python=python, kept=wish.kept_locks))}, ""
    except NoLock as reason:
        return without, str(reason)
    except BadLock as fact:
        raise Invalid(f"{LOCK}: {fact}", field="source") from fact


def _text(tree: Mapping[str, Source], name: str) -> str:
    try:
        return read_text(tree[name].data, name) if name in tree else ""
    except BadLock as fact:
        raise Invalid(str(fact), field="source") from fact


def _pack(tree: Mapping[str, Source], about: ReleaseFile, lockless: str) -> Built:
    """The package, once it was read as a node will read it."""
    target = io.BytesIO()
    try:
        about.check()
        manifest = write_package(target, tree)
        size = target.tell()
        Package(target, size)
        if size > MAX_PACKAGE_BYTES:
            rule = f"a package may have {MAX_PACKAGE_BYTES // 1024**2} MiB"
            raise BadArchive(f"it has {size:,} bytes; {rule}")
    except (BadName, BadArchive, BadReleaseFile) as fact:
        raise Invalid(f"nodes would refuse it: {fact}", field="source") from fact
    return Built(target.getvalue(), manifest, about, lockless)
