"""`hive backup`: database, keys, packages and large values in one file, while everything runs."""

import argparse
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hive_site.commands.answers import answer
from hive_site.kernel.errors import HiveError, Invalid

if TYPE_CHECKING:
    from hive_site.backups.manifest import Manifest

HELP = "write database, keys, packages and large values into one file"
STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to, and what not."""
    parser.add_argument(
        "--out", metavar="FILE.tar.gz", help="- for standard output (default: named by the time)"
    )
    parser.add_argument("--no-packages", action="store_true", help="without packages and wheels")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Write it; what is in it, and what is not."""
    from django.conf import settings
    from django.utils import timezone

    from hive_site.backups.making import write_backup
    from hive_site.commands.checkups.backups import MADE_AT
    from hive_site.stack.files import write_private

    now = timezone.now()
    out = options["out"] or f"hive-backup-{now:%Y%m%d-%H%M%S}.tar.gz"
    if out == STDOUT and options["json"]:
        raise Invalid("--json and --out - both want standard output; give a file", field="out")
    with _opened(out) as target:
        manifest = write_backup(target, now=now, packages=not options["no_packages"])
    write_private(settings.HIVE.data / MADE_AT, f"{now.isoformat()}\n")
    if options["json"]:
        answer(describe(manifest, file=str(Path(out).absolute())))
    else:
        tell(manifest, out, now=now)
    return 0


def describe(manifest: "Manifest", **also: Any) -> dict[str, Any]:
    """A backup, for programs."""
    return {
        **also,
        "created_at": manifest.created_at.isoformat(),
        "version": manifest.version,
        "database": manifest.database,
        "files": len(manifest.files),
        "bytes": sum(entry.size for entry in manifest.files.values()),
        "notes": list(manifest.notes),
    }


def tell(manifest: "Manifest", out: str, *, now: datetime) -> None:
    """For people. On stderr: standard output may be the backup."""
    size = sum(entry.size for entry in manifest.files.values())
    say = sys.stderr.write
    say(f"{len(manifest.files)} files, {size / 2**20:.1f} MiB before compression")
    say("\n" if out == STDOUT else f", in {out}\n")
    say("It holds every secret of this Hive: keep it where only you can read it.\n")
    for note in manifest.notes:
        say(f"Not in it: {note}\n")


@contextmanager
def _opened(out: str) -> Iterator[BinaryIO]:
    """A file that is there as a whole or not at all, for its owner only; or standard output."""
    with _pipe() if out == STDOUT else _file(Path(out)) as target:
        yield target


@contextmanager
def _pipe() -> Iterator[BinaryIO]:
    if sys.stdout.isatty():
        raise Invalid("--out -: a terminal takes no backup; give a file or a pipe", field="out")
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except BrokenPipeError as error:
        raise HiveError("whoever reads the pipe left: that is no backup") from error


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    if path.exists():
        raise Invalid(f"--out {path}: is there already; give another name", field="out")
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Invalid(f"--out {path}: {error.strerror}; give a file", field="out") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give it its name. Raises `OSError` if something came there meanwhile, where that is seen."""
    try:
        # Fails where rename() would overwrite.
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:  # many network shares have no links
        draft.rename(path)
