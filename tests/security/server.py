"""A server on a loopback port that notes who asks, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """`asked` are the headers of all requests; `answers` are statuses with headers; then 200."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.body = b"ok"
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.asked.append({name.lower(): text for name, text in self.headers.items()})
                status, headers = server.answers.pop(0) if server.answers else (200, {})
                self.send_response(status)
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(server.answer_to(server.asked[-1]))

            do_POST = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    def answer_to(self, headers: dict[str, str]) -> bytes:
        """The body; tests may say it themselves."""
        return self.body

    @contextmanager
    def open(self) -> Iterator["Server"]:
        """Answers as long as the block."""
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
