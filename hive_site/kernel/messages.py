"""Our own messages as JSON, five times as fast as the standard library reads and writes them.

Not for what users say: whole numbers of more than 64 bits would not come out as they went in.
"""

import json
from typing import Any

import orjson


def dumps(message: dict[str, Any]) -> bytes:
    """The message as JSON in UTF-8; what is no number (NaN, infinity) comes out as null.

    Raises `TypeError` or `ValueError` for what is no JSON.
    """
    try:
        return orjson.dumps(message)
    except TypeError:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def loads(text: bytes) -> Any:
    """The message. Raises `ValueError` or `RecursionError` for what is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # What the standard library takes beyond JSON, like NaN: whoever reads it judges that.
        return json.loads(text)
