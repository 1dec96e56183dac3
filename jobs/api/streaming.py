"""Long answers, a piece at a time: an answer's length must not be the memory it takes."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.request import Request

#: Lines are sent together until there are so many bytes of them.
PIECE_BYTES = 64 * 1024


def streamed(
    request: Request, pieces: Iterator[bytes], *, media_type: str
) -> StreamingHttpResponse:
    """An answer of these pieces, each made when the one before was sent."""
    # Under ASGI, Django would first make a list of all of them.
    asgi = isinstance(request._request, ASGIRequest)
    return StreamingHttpResponse(_hand_over(pieces) if asgi else pieces, content_type=media_type)


async def _hand_over(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    # On the request's own thread, to which its database connection belongs.
    take = sync_to_async(next, thread_sensitive=True)
    while (piece := await take(pieces, None)) is not None:
        yield piece


def lines(texts: Iterator[str]) -> Iterator[bytes]:
    """The texts as lines, short ones in one piece."""
    held: list[str] = []
    size = 0
    for text in texts:
        held += (text, "\n")
        size += len(text)
        if size >= PIECE_BYTES:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()
