"""What runs of the stack, as docker compose and podman-compose tell it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LABEL = "com.docker.compose.service"
#: It does its work and ends.
ONCE = frozenset({"migrate"})
HEALTH = re.compile(r"\((healthy|unhealthy|starting)\)")


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the stack. `health` is empty if nobody checks it."""

    name: str
    service: str
    state: str
    health: str = ""
    exit_code: int = 0

    @property
    def is_well(self) -> bool:
        """Whether it does what it is there for, or did."""
        if self.service in ONCE and self.state == "exited":
            return self.exit_code == 0
        return self.state == "running" and self.health in {"", "healthy"}


def read_containers(text: str) -> list[Container]:
    """What `ps --format json` printed: a list, or an object a line, by the program's age.

    Raises `ValueError`.
    """
    text = text.strip()
    rows = json.loads(text) if text.startswith("[") else map(json.loads, text.splitlines())
    return sorted(map(_read, rows), key=lambda found: (found.service, found.name))


def are_well(containers: Iterable[Container]) -> bool:
    """Whether there are any, and all of them are well."""
    found = list(containers)
    return bool(found) and all(each.is_well for each in found)


def _read(row: dict[str, Any]) -> Container:
    labels, names = row.get("Labels"), row.get("Names")
    service = row.get("Service") or (labels.get(LABEL) if isinstance(labels, dict) else "")
    name = row.get("Name") or (names[0] if isinstance(names, list) and names else names)
    told = HEALTH.search(str(row.get("Status", "")))
    return Container(
        name=str(name),
        service=str(service),
        state=str(row.get("State", "")).lower(),
        health=str(row.get("Health") or (told.group(1) if told else "")),
        exit_code=int(row.get("ExitCode") or 0),
    )
