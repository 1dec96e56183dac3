"""Answers that are JSON text already, and pages of them."""

from collections.abc import Iterator

from django.http import HttpResponse
from rest_framework.request import Request

from jobs.json_text import page
from nodes.api.cursors import following

JSON = "application/json"
MAX_PAGE_CHARS = 16 * 1024 * 1024


def text_response(text: str, status: int = 200, **headers: str) -> HttpResponse:
    """JSON that is text already."""
    return HttpResponse(text, status=status, content_type=JSON, headers=headers)


def rows_response(request: Request, rows: Iterator[tuple[int, str]], limit: int) -> HttpResponse:
    """A page of rows, of which one too many says that there is another page.

    A page of large results is a shorter one.
    """
    texts: list[str] = []
    size, last, more = 0, None, None
    for index, text in rows:
        if len(texts) == limit or (texts and size + len(text) > MAX_PAGE_CHARS):
            more = following(request, last)
            break
        texts.append(text)
        size, last = size + len(text), index
    return text_response(page("results", texts, following=more))
