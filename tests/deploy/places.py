"""What is deployed, as its files say it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hive_site.configuration import PROJECT

DEPLOY = PROJECT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: Of the project's own image.
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
KUBERNETES = DEPLOY / "kubernetes"
#: `${NAME:-default}` and `$$`, as compose writes them.
VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
#: Whatever the Hive reads from its environment stands somewhere in its code by name.
CODE = "\n".join(
    path.read_text()
    for app in ("hive_site", "nodes", "jobs", "ota")
    for path in (PROJECT / app).rglob("*.py")
)


def is_read(variable: str) -> bool:
    """Whether the Hive reads a variable of its environment, or NAME of a NAME_FILE."""
    return f'"{variable.removesuffix("_FILE")}"' in CODE


def interpolate(text: str) -> str:
    """A text of docker-compose.yml as a container gets it, where nobody set anything."""
    return VARIABLE.sub(lambda found: found[2] or "", text).replace("$$", "$")


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a manifest."""
    yield from (each for each in yaml.safe_load_all(path.read_text()) if each)
