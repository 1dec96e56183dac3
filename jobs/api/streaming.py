"""Answers that are too long for memory: piece after piece, as fast as the reader takes them."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from hive_site.kernel.errors import Gone
from jobs import selectors
from jobs.reader_threads import in_thread
from jobs.sse import one_line

#: A page ends behind the row that makes it larger than this, and holds no more rows.
PAGE_CHARS, PAGE_ROWS = 256 * 1024, 500
#: Gives the text of the page behind a row, and that page's last row; empty when there is no more.
Pages = Callable[[int], tuple[str, int]]


class AnyType(BaseContentNegotiation):
    """The view itself looks at Accept: its answers are no renderer's."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The first parser; there is nothing to parse."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The first renderer, for errors."""
        return renderers[0], renderers[0].media_type


def stream_pages(
    request: Request, pages: Pages, *, start: int, content_type: str
) -> StreamingHttpResponse:
    """All pages behind `start`, each read when the one before it was sent."""
    # Django collects the whole of an iterator of the wrong kind before it sends the first byte.
    is_async = isinstance(request._request, ASGIRequest)
    lines = walk_async(pages, start) if is_async else walk(pages, start)
    return StreamingHttpResponse(lines, content_type=content_type)


def walk(pages: Pages, after: int) -> Iterator[str]:
    """The texts of all pages behind a row."""
    while (page := pages(after))[0]:
        text, after = page
        yield text


async def walk_async(pages: Pages, after: int) -> AsyncIterator[str]:
    """The same, without a thread while nobody reads."""
    while (page := await in_thread(partial(pages, after)))[0]:
        text, after = page
        yield text


def stream_pieces(
    request: Request, pieces: Iterator[bytes], *, content_type: str
) -> StreamingHttpResponse:
    """An answer of these pieces, each made when the one before was sent."""
    is_async = isinstance(request._request, ASGIRequest)
    found = _hand_over(pieces) if is_async else pieces
    return StreamingHttpResponse(found, content_type=content_type)


async def _hand_over(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (piece := await in_thread(partial(next, pieces, None))) is not None:
        yield piece


def result_lines(job_id: str, after: int, *, total: int) -> tuple[str, int]:
    """A page of results, one a line, and the index of the last; empty behind all `total` of them.

    Raises `Gone` if some were deleted meanwhile: what breaks off does not look whole.
    """
    lines, chars = list[str](), 0
    for index, text in selectors.result_texts(selectors.map_rows(job_id, after=after)[:PAGE_ROWS]):
        if index != after + 1:
            break
        lines.append(f"{one_line(text)}\n")
        after, chars = index, chars + len(text)
        if chars >= PAGE_CHARS:
            break
    if not lines and after + 1 < total:
        raise Gone(f"job {job_id}: its results were deleted while they were read")
    return "".join(lines), after
