"""Cursors: where a page ends, written so that nobody is tempted to make one up."""

import base64
import binascii
import re
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from hive_site.kernel.errors import Invalid

PAGE, MAX_PAGE = 100, 1000
#: Longer ones are no index; Python would refuse to read thousands of digits.
INDEX = re.compile(r"[0-9]{1,18}")
CURSOR = OpenApiParameter("cursor", str, description="from `next` of the page before")
LIMIT = OpenApiParameter(
    "limit",
    {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": PAGE},
    description=f"rows of a page, 1 to {MAX_PAGE}",
)


def read_cursor(request: Request) -> str | None:
    """What the page before ended with, or None for the first page. Raises `Invalid`."""
    text = request.query_params.get("cursor")
    if not text:
        return None
    try:
        cursor = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        cursor = ""
    if not (cursor and cursor.isprintable()):
        raise Invalid(f"{text!r} is no cursor; take it from `next`", field="cursor")
    return cursor


def read_index(request: Request) -> int:
    """The cursor as the index of the last row; -1 for the first page."""
    text = read_cursor(request)
    if text is None:
        return -1
    if not INDEX.fullmatch(text):
        raise Invalid("this cursor belongs to another list", field="cursor")
    return int(text)


def read_limit(request: Request) -> int:
    """How many rows a page has: `?limit=`, 100 unless told."""
    text = request.query_params.get("limit", str(PAGE))
    if not INDEX.fullmatch(text) or not 1 <= int(text) <= MAX_PAGE:
        raise Invalid(f"{text!r}; give a whole number from 1 to {MAX_PAGE}", field="limit")
    return int(text)


def following(request: Request, last: Any) -> str:
    """The address of the page after the row `last`."""
    query = request.query_params.copy()
    query["cursor"] = base64.urlsafe_b64encode(str(last).encode()).decode()
    return str(request.build_absolute_uri(f"{request.path}?{query.urlencode()}"))
