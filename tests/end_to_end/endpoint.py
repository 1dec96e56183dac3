"""What tasks reach over HTTP in these tests: a page to read, and a language model."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STORY = "Bees make honey from the nectar of the flowers that they visit all summer long. " * 8
PAGE = f"<html><head><title>Bees</title></head><body><article><p>{STORY}</p></article></body>"


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._send(PAGE.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = " | ".join(message["content"] for message in wish["messages"])
        choices = [{"message": {"content": text}}]
        self._send(json.dumps({"choices": choices}).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def answering() -> Iterator[str]:
    """The address of the server, which runs as long as the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
