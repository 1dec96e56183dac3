"""A server with TLS for tests: it answers what it is told to, and keeps what it was asked."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from nodes.spore.enrolment import CA_PATH
from tests.certificates import Authority


class Nexus(ThreadingHTTPServer):
    """Answers what it is told to, with TLS, and keeps what it was asked."""

    def __init__(self, authority: Authority, *hosts: str) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        certificate, key = authority.vouch_for(*hosts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_address[1]}"
        self.ca, self.status, self.said = authority.ca_file.read_bytes(), 200, b"{}"
        self.asked: list[tuple[str, str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever does not trust it hangs up."""


class Answering(BaseHTTPRequestHandler):
    server: Nexus

    def do_GET(self) -> None:
        self._answer(200, self.server.ca if self.path == CA_PATH else b"")

    def do_PUT(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.server.status, self.server.said)

    def _answer(self, status: int, body: bytes) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def answering(authority: Authority, *hosts: str) -> Iterator[Nexus]:
    nexus = Nexus(authority, *hosts)
    Thread(target=nexus.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield nexus
    finally:
        nexus.shutdown()
        nexus.server_close()
