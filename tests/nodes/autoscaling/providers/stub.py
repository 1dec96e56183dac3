"""A server that answers JSON as a test's `answer(method, path, query, body)` says, over HTTP on
loopback or on a Unix socket; what it was asked is kept."""

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[str, str, dict[str, str], Any], tuple[int, Any]]


class _OnSocket(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Stub:
    """Runs until `close`."""

    def __init__(self, answer: Answer, *, socket: Path | None = None) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                parts = urlsplit(self.path)
                query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
                asked.append((self.command, parts.path, body))
                code, told = answer(self.command, parts.path, query, body)
                data = b"" if told is None else json.dumps(told).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

            def address_string(self) -> str:
                return "stub"

            def log_message(self, *args: object) -> None:
                pass

        if socket:
            self._server: socketserver.BaseServer = _OnSocket(str(socket), Handler)
            self.url = f"unix://{socket}"
        else:
            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            self._server, self.url = server, f"http://127.0.0.1:{server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
