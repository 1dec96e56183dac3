"""A Nexus that answers what a test tells it to."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DONE = {
    **{"id": "job_1", "state": "succeeded", "error": None, "finished_at": None},
    "progress": {"total": 1, "failed": 0},
}
RUNNING = {**DONE, "state": "running"}


class Nexus(ThreadingHTTPServer):
    """Gives its answers in their order, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: deque[tuple[int, bytes, dict[str, str]]] = deque()
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[object] = []
        self.keys: list[str | None] = []
        self.headers: list[Message] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def will(self, body: object, status: int = 200, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.answers.append((status, data, headers))

    def will_break(self) -> None:
        """Take the next request, and close the connection without an answer."""
        self.answers.append((0, b"", {}))

    def will_stream(self, *events: str, cut: bool = False) -> None:
        """Send events; `cut` breaks off before the end that was announced."""
        data = "".join(f"{event}\n\n" for event in events).encode()
        announced = {"Content-Length": str(len(data) + 10)} if cut else {}
        self.answers.append((200, data, {"Content-Type": "text/event-stream", **announced}))


class Answering(BaseHTTPRequestHandler):
    server: Nexus

    def do_GET(self) -> None:
        nexus, length = self.server, int(self.headers.get("Content-Length") or 0)
        nexus.asked.append((self.command, self.path))
        nexus.bodies.append(json.loads(self.rfile.read(length)) if length else None)
        nexus.keys.append(self.headers.get("Authorization"))
        nexus.headers.append(self.headers)
        status, data, headers = nexus.answers.popleft()
        if not status:
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_DELETE = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[Nexus]:
    """One that is there as long as the block."""
    with Nexus() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()
