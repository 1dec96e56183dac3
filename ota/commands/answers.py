"""What commands print: for people a line, for programs one JSON document."""

import json
import sys
from typing import Any


def answer(document: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")
