"""JSON as text: payloads are encoded once on the way in, and go out as they are."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from hive_site.kernel.errors import Invalid

#: Every program on the way can read this; Python's own limit depends on who calls.
MAX_DEPTH = 100
#: An escaped NUL, and not the letters `\u0000` behind an escaped backslash.
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_open = str.maketrans("{}", "[]")


def encode(value: Any, *, field: str) -> str:
    """The value as compact JSON. Raises `Invalid` for what JSON or a database cannot hold."""
    try:
        text = _encode(value)
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise Invalid(
            "holds half of a surrogate pair; send whole characters", field=field
        ) from error
    except RecursionError as error:
        raise Invalid(f"is nested deeper than {MAX_DEPTH} levels", field=field) from error
    except (TypeError, ValueError) as error:
        raise Invalid(f"is not JSON: {error}", field=field) from error
    if "\\u0000" in text and NUL.search(text):
        raise Invalid("holds a NUL character, which no database keeps", field=field)
    if not isinstance(value, str) and _may_be_deep(text) and _depth(text) > MAX_DEPTH:
        raise Invalid(f"is nested deeper than {MAX_DEPTH} levels", field=field)
    return text


def _encode(value: Any) -> str:
    if type(value) is str:
        # The same text, in a tenth of the time: what is long is mostly this.
        with suppress(TypeError):  # half a character, of which the caller tells
            return orjson.dumps(value).decode()
    return _encoder.encode(value)


def assemble(fields: Mapping[str, Any], **texts: str | None) -> str:
    """One JSON object of plain fields and of texts that are JSON already (None: null)."""
    head = json.dumps(fields, ensure_ascii=False)[:-1]
    tail = "".join(f', "{name}": {text or "null"}' for name, text in texts.items())
    return f"{head}{tail}}}"


def page(name: str, rows: Iterable[str], *, following: str | None) -> str:
    """One page of a listing, of rows that are JSON already."""
    return f'{{"{name}": [{", ".join(rows)}], "next": {json.dumps(following)}}}'


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > MAX_DEPTH


def _depth(text: str) -> int:
    """How deep the value is nested: brackets outside of strings, counted."""
    depth = deepest = 0
    for mark in re.findall(r'[\[\]]|"(?:[^"\\]|\\.)*"', text.translate(_open)):
        if mark == "[":
            depth += 1
            deepest = max(deepest, depth)
        elif mark == "]":
            depth -= 1
    return deepest
