"""This machine: versions, disk, files, the port, GPUs."""

import shutil
import socket
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

from hive_site.commands.checkups.finding import Finding, bad, ok, warn

OLDEST_PYTHON = (3, 11)
PACKAGES = ("Django", "rq", "django-rq", "redis")
LITTLE_DISK, NO_DISK = 2 * 2**30, 200 * 2**20
EVERYBODY = stat.S_IRWXG | stat.S_IRWXO


def check_machine(*, data: Path, nexus_url: str) -> Iterator[Finding]:
    """Everything that needs neither Redis nor the database."""
    yield check_python(sys.version_info[:3])
    yield from map(check_package, PACKAGES)
    yield check_disk(data, free=free_bytes(data))
    yield check_secrets(data)
    yield check_port(nexus_url)
    yield check_gpus()


def check_python(running: tuple[int, ...]) -> Finding:
    """Whether this Python is new enough."""
    text = ".".join(map(str, running))
    if running < OLDEST_PYTHON:
        return bad("Python", text, "use Python 3.11 or newer")
    return ok("Python", text)


def check_package(name: str) -> Finding:
    """Whether the installed version is the one that this project was tested with."""
    wanted = pinned(name)
    try:
        found = version(name)
    except PackageNotFoundError:
        return bad(name, "not installed", "pip install -r requirements.txt")
    if wanted and found != wanted:
        mend = f"{wanted} is what was tested: pip install -r requirements.txt"
        return warn(name, found, mend)
    return ok(name, found)


def pinned(name: str) -> str:
    """The version of a package that requirements.txt asks for."""
    from hive_site.configuration import PROJECT

    for line in (PROJECT / "requirements.txt").read_text().splitlines():
        package, equals, wanted = line.partition(";")[0].strip().partition("==")
        if equals and package.lower() == name.lower():
            return wanted
    return ""


def free_bytes(data: Path) -> int:
    """Room on the disk that the data directory is or will be on."""
    there = next(folder for folder in (data, *data.parents) if folder.exists())
    return shutil.disk_usage(there).free


def check_disk(data: Path, *, free: int) -> Finding:
    """Whether there is room for database, packages and logs."""
    found = f"{free / 2**30:.1f} GiB free for {data}"
    if free < NO_DISK:
        return bad("Disk", found, "make room: Redis and the database stop when it is full")
    if free < LITTLE_DISK:
        return warn("Disk", found, "make room, or move the data with HIVE_DATA_DIR")
    return ok("Disk", found)


def check_secrets(data: Path) -> Finding:
    """Whether only the owner can read keys and passwords."""
    files = [p for p in (data / "secrets").rglob("*") if p.is_file()]
    files += (data / "spores").glob("*/node.key")
    open_ones = [p for p in files if p.stat().st_mode & EVERYBODY]
    if open_ones:
        names = " ".join(map(str, open_ones))
        return bad("Secrets", f"{len(open_ones)} readable by others", f"chmod 600 {names}")
    return ok("Secrets", f"{len(files)} files, for the owner only" if files else "none made yet")


def check_port(nexus_url: str) -> Finding:
    """Whether the Nexus's port is free, or a Nexus answers there."""
    from hive_site.stack.readiness import site_answers

    parts = urlsplit(nexus_url)
    where = (parts.hostname or "127.0.0.1", parts.port or (443 if parts.scheme == "https" else 80))
    if site_answers(nexus_url):
        return ok("Nexus", f"ready at {nexus_url}")
    try:
        socket.create_connection(where, timeout=2).close()
    except ConnectionRefusedError:
        return ok("Nexus", f"not running; port {where[1]} is free")
    except OSError as error:
        return warn("Nexus", f"{nexus_url}: {error}", "set HIVE_NEXUS_URL to its address")
    mend = "look at its log; if another program has the port: `hive up --port N`"
    return warn("Nexus", f"something answers at {nexus_url}, but not as a ready Nexus", mend)


def check_gpus() -> Finding:
    """Which GPUs can be given to tasks."""
    try:
        import pynvml
    except ImportError:
        return warn("GPUs", "nvidia-ml-py is not installed", "pip install -r requirements.txt")
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return ok("GPUs", f"none ({error})")
    try:
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        names = [pynvml.nvmlDeviceGetName(handle) for handle in handles]
    finally:
        pynvml.nvmlShutdown()
    return ok("GPUs", ", ".join(names) or "none")
