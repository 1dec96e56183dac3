"""Units of systemd that start a Spore, where this machine has any."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from hive_site.commands.checkups.finding import Finding, bad, ok

FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
#: How long an agent may take: it lets running subtasks end for 10 s, then hands back the rest.
LEAST_STOP_SECONDS = 15
SETTING = re.compile(r"^(?P<name>[A-Za-z]+)\s*=\s*(?P<value>.*?)\s*$", re.MULTILINE)


def check_units(folders: Iterable[str] = FOLDERS) -> Iterator[Finding]:
    """A finding for each unit that starts a Spore; drop-ins are not looked at."""
    seen = set()
    for folder in folders:
        for path in sorted(Path(folder).glob("*.service")):
            text = _read(path)
            if "rqworker" in text and path.name not in seen:
                seen.add(path.name)
                yield check_unit(path.name, text)


def check_unit(name: str, text: str) -> Finding:
    """Whether a stop lets running subtasks end, and an end is followed by a start."""
    settings = {found["name"]: found["value"] for found in SETTING.finditer(text)}
    if settings.get("KillMode") != "mixed":
        found = f"KillMode={settings.get('KillMode', 'control-group')}"
        return bad(name, found, "KillMode=mixed: otherwise a stop fails what its slots run")
    if settings.get("Restart") != "always":
        found = f"Restart={settings.get('Restart', 'no')}"
        return bad(name, found, "Restart=always: whatever ends a Spore, it shall come back")
    seconds = settings.get("TimeoutStopSec", "90").removesuffix("s")
    if seconds.isdecimal() and int(seconds) < LEAST_STOP_SECONDS:
        mend = "TimeoutStopSec=20: running subtasks get 10 s to end"
        return bad(name, f"TimeoutStopSec={seconds}", mend)
    return ok(name, "KillMode=mixed, Restart=always")


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
