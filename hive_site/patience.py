"""How long the Nexus waits for what is being sent to it.

Whoever trickles holds a connection and what is kept of a body: a thousand of those would hold all
there are. The rule is that of Apache's mod_reqtimeout: a while, and more for what keeps coming.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
#: Until the first of a body, and then what a modem of the last century could send.
BODY_SECONDS, BYTES_PER_SECOND = 20.0, 8 * 1024


class Late(Exception):
    """A body came too slowly, or not at all."""


class Patient:
    """`receive` of a request that waits for its body, but not for ever: raises `Late`.

    What comes after the body, that the other side is gone, may take as long as it likes.
    """

    def __init__(
        self,
        receive: Receive,
        *,
        seconds: float = BODY_SECONDS,
        bytes_per_second: int = BYTES_PER_SECOND,
    ) -> None:
        self._receive, self._seconds, self._rate = receive, seconds, bytes_per_second
        self._end: float | None = None
        self._is_whole = False

    async def __call__(self) -> Message:
        """The next message of the server."""
        if self._is_whole:
            return await self._receive()
        self._end = self._end or asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise Late(f"send a body at {self._rate:,} bytes a second, or faster") from None
        self._end += len(message.get("body", b"")) / self._rate
        self._is_whole = not message.get("more_body", False)
        return message
