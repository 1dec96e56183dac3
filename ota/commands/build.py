"""`ota build`: make a package of this project, or of another, and say what is in it."""

import argparse
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.kernel.errors import Conflict, Invalid
from ota.commands.answers import answer, say

if TYPE_CHECKING:
    from ota.building import Built, Wish

HELP = "make a package"
LOCKLESS = "nodes take it only if what they run already has the same requirements"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of what, and where to."""
    parser.add_argument("--version", required=True, metavar="V", help="of the release, like 1.4.2")
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="PATH",
        help="a whole project, or what is laid over this one: a package, a directory, a file",
    )
    parser.add_argument("--out", metavar="FILE.zip", help="default: hive-V.zip")
    parser.add_argument(
        "--tasks",
        action="append",
        default=[],
        metavar="MODULE",
        help="a module with tasks (default: HIVE_TASK_MODULES, and sources that have @task)",
    )
    parser.add_argument("--with-tests", action="store_true", help="also tests, bench and docs")
    parser.add_argument("--no-lock", action="store_true", help="do not lock the requirements")
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Make it, write it, tell."""
    from ota.building import build

    wish = read_wish(options)
    built = build(wish)
    out = Path(options["out"] or f"hive-{wish.version}.zip")
    write_once(out, built.data, force=options["force"])
    report = describe(out, built, wish)
    if options["json"]:
        answer(report)
    else:
        tell(report)
    return 0


def read_wish(options: dict[str, Any]) -> "Wish":
    """What the flags ask for."""
    from django.conf import settings

    from ota.building import Wish
    from ota.storage import locks

    return Wish(
        version=options["version"],
        sources=tuple(Path(place) for place in options["source"]),
        project=settings.BASE_DIR,
        data=settings.HIVE.data,
        kept_locks=locks(),
        tasks=tuple(options["tasks"]),
        known_tasks=tuple(settings.HIVE.task_modules),
        with_tests=options["with_tests"],
        no_lock=options["no_lock"],
    )


def write_once(out: Path, data: bytes, *, force: bool) -> None:
    """Write the package. Raises `Conflict` if there is another file, unless it is to be forced."""
    from ota.storage import keep_bytes

    if not out.parent.is_dir():
        raise Invalid(f"--out {out}: there is no directory {out.parent}", field="out")
    if out.exists() and not force and not (out.is_file() and out.read_bytes() == data):
        raise Conflict(f"{out} is there with other contents; give --force, or another --out")
    if out.is_dir():
        raise Invalid(f"--out {out} is a directory; give a file", field="out")
    keep_bytes(out, data)


def describe(out: Path, built: "Built", wish: "Wish") -> dict[str, Any]:
    """What was made, and how it differs from what runs."""
    return {
        "path": str(out),
        "version": built.about.version,
        "size": len(built.data),
        "files": len(built.manifest.files),
        "sha256": hashlib.sha256(built.data).hexdigest(),
        "python": built.about.python,
        "task_modules": list(built.about.task_modules),
        "lock": built.about.lock,
        "lockless": built.lockless,
        "differs": count_differences(built, wish),
    }


def count_differences(built: "Built", wish: "Wish") -> dict[str, Any] | None:
    """How many files are other ones than in the version that runs; None if nobody can tell."""
    from ota.comparing import running, without_release_file
    from ota.domain.manifest import compare

    known = running(wish)
    if known is None:
        return None
    version, manifest = known
    found = compare(without_release_file(manifest), without_release_file(built.manifest))
    counts = {"added": found.added, "removed": found.removed, "changed": found.changed}
    return {"against": version, **{word: len(paths) for word, paths in counts.items()}}


def tell(report: dict[str, Any]) -> None:
    """The same for people."""
    differs = report["differs"]
    say(f"{report['path']}  {report['size']:,} bytes, {report['files']} files")
    say(f"sha256 {report['sha256']}")
    say(f"tasks  {', '.join(report['task_modules']) or 'those of the project alone'}")
    if differs:
        counts = ", ".join(f"{differs[word]} {word}" for word in ("added", "removed", "changed"))
        say(f"against {differs['against']}, which runs: {counts}")
    if report["lockless"]:
        say(f"no lock: {report['lockless']}; {LOCKLESS}")
