"""The home of a Spore that joined by invitation: `spore.env` there says who it is.

Lines of NAME=value, which end where the line ends. What the command line says counts most, then
the environment, then this file.
"""

import json
import os
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.disk import sync_directory

FILE = "spore.env"
HEAD = "# Who this Spore is, and how it reaches the Hive. Its key is in it: keep it to yourself.\n"
#: What belongs to the command line, and by which flag.
NAME, SLOTS, LABELS, CAPABILITIES = (
    *("HIVE_NODE_NAME", "HIVE_NODE_SLOTS", "HIVE_NODE_LABELS", "HIVE_NODE_CAPABILITIES"),
)
#: Whoever sets the one means something else than the file by the other.
INSTEAD = {"REDIS_URL": ("REDIS_HOST",), "HIVE_NODE_KEY": ("HIVE_FLEET_KEY",)}
#: A launcher's child was given all of it by its launcher.
CHILD = "HIVE_LAUNCHER_FDS"


def follow_home(argv: Sequence[str], environ: MutableMapping[str, str]) -> list[str]:
    """The command line of a Spore with what its home adds; the rest goes into the environment.

    Raises `ImproperlyConfigured` for a home that belongs to another name.
    """
    home = find_flag(argv, "--home")
    found = read_home(Path(home)) if home and CHILD not in environ else {}
    if not found:
        return list(argv)
    asked, known = find_flag(argv, "--name"), found.get(NAME, "")
    if asked and asked != known:
        rule = f"leave --name out, or join with another --home as {asked!r}"
        raise ImproperlyConfigured(f"--name {asked!r}: {home} belongs to node {known!r}; {rule}")
    adopt(found, environ, home=Path(home))
    # Before the others: of flags that are given twice the last one counts.
    return [*argv[:2], *_flags(environ), *argv[2:]]


def adopt(found: Mapping[str, str], environ: MutableMapping[str, str], *, home: Path) -> None:
    """Take what a home says into the environment, where that does not say otherwise."""
    for name, value in found.items():
        if not any(environ.get(other) for other in _same_as(name)):
            environ[name] = value
    environ.setdefault("HIVE_DATA_DIR", str(home.absolute()))


def _same_as(name: str) -> list[str]:
    names = (name, *INSTEAD.get(name, ()))
    return [form for each in names for form in (each, f"{each}_FILE")]


def _flags(environ: Mapping[str, str]) -> list[str]:
    flags = ["--name", environ[NAME]]
    flags += ["--slots", environ[SLOTS]] if environ.get(SLOTS) else []
    try:
        labels = json.loads(environ.get(LABELS) or "{}")
        capabilities = json.loads(environ.get(CAPABILITIES) or "[]")
        flags += [part for name, text in labels.items() for part in ("--label", f"{name}={text}")]
        return flags + [part for word in capabilities for part in ("--capability", str(word))]
    except (ValueError, AttributeError, TypeError) as error:
        rule = "give an object of labels, and a list of capabilities, as JSON"
        raise ImproperlyConfigured(f"{LABELS}, {CAPABILITIES}: {error}; {rule}") from error


def find_flag(argv: Sequence[str], flag: str) -> str:
    """What a command line gives for a flag, in either way of writing it; the last one counts."""
    found = ""
    for word, following in zip(argv, [*argv[1:], ""], strict=True):
        if word == flag:
            found = following
        elif word.startswith(f"{flag}="):
            found = word.partition("=")[2]
    return found


def read_home(home: Path) -> dict[str, str]:
    """What is written in a home; nothing if nobody joined with it.

    Raises `ImproperlyConfigured` for a file that cannot be read.
    """
    path = home / FILE
    try:
        text = path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text"
        raise ImproperlyConfigured(f"{path}: {reason}; join again with this --home") from error
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = dict(line.split("=", 1) for line in lines if "=" in line)
    if not pairs.get(NAME):
        raise ImproperlyConfigured(f"{path} names no node; join again with this --home")
    return pairs


def write_home(home: Path, values: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Write a home so that all of it is there, or nothing new. `files` are what values point to.

    Names of files tell their contents, so that none is ever overwritten. Raises `OSError`.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in files.items():
        write_secret(home / name, text)
    lines = [f"{name}={value}" for name, value in values.items() if value]
    if any("\n" in line or "\r" in line for line in lines):
        raise OSError("a value of more than one line")
    write_secret(home / FILE, HEAD + "\n".join(lines) + "\n")


def write_secret(path: Path, text: str) -> None:
    """Put a text into a file that only its owner reads, in one lasting step. Raises `OSError`."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)
