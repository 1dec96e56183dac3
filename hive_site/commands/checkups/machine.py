"""This machine: versions, disk, files, GPUs."""

import resource
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from hive_site.commands.checkups.finding import Finding, bad, ok, warn
from hive_site.configuration import PROJECT

OLDEST_PYTHON = (3, 11)
LITTLE_DISK, NO_DISK = 2 * 2**30, 200 * 2**20
FEW_DESCRIPTORS = 1024
EVERYBODY = stat.S_IRWXG | stat.S_IRWXO


def check_machine(*, data: Path) -> Iterator[Finding]:
    """Everything that needs no other process."""
    yield check_python(sys.version_info[:3])
    yield from check_packages(read_pins((PROJECT / "requirements.txt").read_text()))
    yield check_disk(data, free=free_bytes(data))
    yield check_secrets(data)
    yield check_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    yield check_gpus()


def check_python(running: tuple[int, ...]) -> Finding:
    """Whether this Python is new enough."""
    text = ".".join(map(str, running))
    if running < OLDEST_PYTHON:
        return bad("Python", text, "use Python 3.11 or newer")
    return ok("Python", text)


def check_packages(pins: Mapping[str, str]) -> Iterator[Finding]:
    """Whether what is installed is what this project was tested with; `pins` by name."""
    odd = [finding for name, wanted in pins.items() if (finding := check_package(name, wanted))]
    yield from odd
    if not odd:
        yield ok("Packages", f"{len(pins)}, each as requirements.txt pins it")


def check_package(name: str, wanted: str) -> Finding | None:
    """What is wrong with one; None if nothing is."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return bad(name, "not installed", "pip install -r requirements.txt")
    if found == wanted:
        return None
    return warn(name, found, f"{wanted} is what was tested: pip install -r requirements.txt")


def read_pins(text: str) -> dict[str, str]:
    """The versions that requirements pin for a machine like this one, by name."""
    pins = {}
    for line in text.splitlines():
        wish = line.partition("#")[0].strip()
        if not wish or wish.startswith("-"):
            continue
        asked = Requirement(wish)
        if asked.marker is None or asked.marker.evaluate():
            pins[asked.name] = str(asked.specifier).removeprefix("==")
    return pins


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


def check_descriptors(soft: int) -> Finding:
    """Whether a process may open as many files and sockets as a cluster takes."""
    found = f"{soft} files and sockets in one process"
    if 0 <= soft < FEW_DESCRIPTORS:
        mend = f"ulimit -n {FEW_DESCRIPTORS}, or LimitNOFILE= in the unit: each viewer takes one"
        return warn("Open files", found, mend)
    return ok("Open files", found if soft >= 0 else "no limit")


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
