"""What commands print on stdout for programs."""

import json
import sys
from typing import Any


def answer(document: Any) -> None:
    """Print one JSON document."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
