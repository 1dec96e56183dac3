"""The pages of the reference that are drawn, whole or in part."""

import json
import re
from pathlib import Path

from docs.reference.commands import draw_commands
from docs.reference.endpoints import draw_endpoints
from hive_site.configuration import PROJECT

COMMANDS = PROJECT / "docs" / "guide" / "commands.md"
REST = PROJECT / "docs" / "guide" / "rest.md"
OPENAPI = PROJECT / "docs" / "openapi.json"
ENDPOINTS = re.compile(
    r"(?<=^<!-- endpoints: )([^\n]*\n).*?(?=^<!-- end of endpoints)", re.M | re.S
)


def draw_pages() -> dict[Path, str]:
    """What each page should hold."""
    table = draw_endpoints(json.loads(OPENAPI.read_text()))
    rest = ENDPOINTS.sub(lambda found: f"{found[1]}\n{table}\n", REST.read_text())
    return {COMMANDS: draw_commands(), REST: rest}
