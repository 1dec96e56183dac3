"""What a label of a node may be; the same as jobs may ask for. Pure."""

import re
from collections.abc import Mapping
from typing import Any

#: The first character is a letter: databases take a key of digits for a position in a list.
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,62}")
#: One line that every database and every reader of JSON takes.
VALUE = re.compile(r"[^\x00-\x1f\ud800-\udfff]{0,200}")
MOST = 50


def flaw_of(labels: Any) -> str:
    """Why these are no labels, and what they should be; empty if they are."""
    if not isinstance(labels, Mapping) or len(labels) > MOST:
        return f"give an object of at most {MOST} names and texts"
    for name, text in labels.items():
        if not isinstance(name, str) or not KEY.fullmatch(name):
            return f"{name!r}; a name is a letter, then up to 62 letters, digits, and . _ / -"
        if not isinstance(text, str) or not VALUE.fullmatch(text):
            return f"{name}: give a line of text, 200 characters at most"
    return ""
