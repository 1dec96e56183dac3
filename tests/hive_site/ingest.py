"""A Sentry that keeps what it is told: the envelope endpoint, and nothing else."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Ingest:
    """One project."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        ingest = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/api/1/envelope/", self.path
                ingest._take(body)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.dsn = f"http://public@127.0.0.1:{self.server.server_port}/1"

    def _take(self, body: bytes) -> None:
        """Lines of an envelope: its head, then a head and a body for each item."""
        lines = body.split(b"\n")[1:]
        for head, item in zip(lines[::2], lines[1::2], strict=False):
            if json.loads(head)["type"] == "event":
                self._events.append(json.loads(item))

    def events(self) -> list[dict[str, Any]]:
        return list(self._events)


@contextmanager
def ingesting() -> Iterator[Ingest]:
    ingest = Ingest()
    thread = Thread(target=ingest.server.serve_forever, daemon=True)
    thread.start()
    yield ingest
    ingest.server.shutdown()
    ingest.server.server_close()
