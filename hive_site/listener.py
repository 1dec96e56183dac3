"""How the Nexus listens: uvicorn's HTTP, for those who ask something.

`uvicorn --http hive_site.listener:Listener`. Left alone, uvicorn keeps a connection over which
nothing or half a request comes for as long as the other side likes; its files are soon used up.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

#: From when a connection is there, or a request begins, until all its headers are.
HEADERS_SECONDS = 20.0
#: Of an answer that lies ready, the other side takes something at least this often.
READING_SECONDS = 60.0


class Listener(H11Protocol):
    """HTTP/1.1 over one connection, which ends unless a whole request comes in time, and what is
    answered is read."""

    _over: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._mind()

    def data_received(self, data: bytes) -> None:
        """Take it; wait on where it is no whole request."""
        super().data_received(data)
        self._mind()
        if not self.flow.write_paused:
            self._forget_reader()  # they go on

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._forget()
        self._forget_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait until the other side has read more, but not for ever."""
        super().pause_writing()
        self._mind_reader()

    def resume_writing(self) -> None:
        """They did."""
        self._forget_reader()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """Between two requests uvicorn minds the time, until the second begins."""
        self._forget()
        self._forget_reader()
        super().on_response_complete()
        self._mind_reader()

    def _mind(self) -> None:
        if not self._is_waiting():
            self._forget()
        elif self._over is None:
            self._over = self.loop.call_later(HEADERS_SECONDS, self._give_up)

    def _is_waiting(self) -> bool:
        """Whether no request is under way; of a socket another protocol takes care."""
        return self._has_answered() and self in self.connections

    def _has_answered(self) -> bool:
        answered: Any = self.cycle is None or self.cycle.response_complete
        return bool(answered)

    def _forget(self) -> None:
        if self._over is not None:
            self._over.cancel()
            self._over = None

    def _give_up(self) -> None:
        self._over = None
        if self._is_waiting() and not self.transport.is_closing():
            self.transport.close()

    def _mind_reader(self) -> None:
        left = self.transport.get_write_buffer_size()
        if left and self._unread is None:
            self._unread = self.loop.call_later(READING_SECONDS, self._look_again, left)

    def _look_again(self, before: int) -> None:
        """If nobody could write meanwhile, and there is not less, nothing was read."""
        self._unread = None
        writes = not (self.flow.write_paused or self._has_answered())
        if writes or self.transport.get_write_buffer_size() < before:
            self._mind_reader()
        else:
            self.transport.abort()  # to close it would be to wait on

    def _forget_reader(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
