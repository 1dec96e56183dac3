"""A web site on a loopback port, with every page that a test needs."""

import gzip
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import ClassVar

from jobs.web.connecting import LIMITS

PROSE = "Bees make honey from the nectar of the flowers that they visit all summer long. " * 8
HTML = "<html><head><title>B &amp; B</title></head><body><article><p>%s</p></article></body></html>"
TRICKLES = ("/trickle", "/trickle-without-end", "/trickling-header")


class Site(BaseHTTPRequestHandler):
    """Answers by path; pages that trickle do so until `released`."""

    protocol_version = "HTTP/1.1"
    released = threading.Event()
    read_to_the_end: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        redirects = {
            "/loop": "/loop",
            "/to-page": "/page",
            "/nowhere": None,
            "/to-file": "file:///etc/passwd",
            "/to-nonsense": "http://[x",
        }
        if self.path in redirects:
            location = redirects[self.path]
            self.answer(302, **({"Location": location} if location else {}))
        elif self.path.startswith("/status/"):
            _, _, status, *after = self.path.split("/")
            self.answer(int(status), **({"Retry-After": after[0]} if after else {}))
        elif self.path in TRICKLES:
            self.trickle()
        else:
            self.send_page()

    def send_page(self) -> None:
        plain, packed = "text/plain; charset=utf-8", gzip.compress(PROSE.encode())
        bomb = gzip.compress(b"x" * (LIMITS.max_bytes + 1))
        pages = {
            "/page": (HTML % PROSE, "text/html; charset=utf-8", ""),
            "/text": (PROSE, plain, ""),
            "/gzip": (packed, plain, "gzip"),
            "/bomb": (bomb, plain, "gzip"),
            "/latin": ("Ein Bär".encode("latin-1"), "text/plain; charset=latin-1", ""),
            "/huge": ("x" * (LIMITS.max_bytes + 1), plain, ""),
            "/host": (self.headers["Host"], plain, ""),
            "/image": (b"\x89PNG", "image/png", ""),
        }
        body, kind, encoding = pages.get(self.path, (self.path, plain, ""))
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def trickle(self) -> None:
        """Answer byte by byte for seconds, until the reader hangs up or the test is over."""
        self.close_connection = True
        starts = {
            "/trickle": b"Content-Length: 1000000\r\n\r\n",
            "/trickle-without-end": b"\r\n",
            "/trickling-header": b"X-Bees: ",
        }
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
        with suppress(OSError):
            self.wfile.write(head + starts[self.path])
            for _ in range(500):
                self.wfile.write(b"b")
                if self.released.wait(0.01):
                    return
            self.read_to_the_end.append(self.path)

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serve(tls: SSLContext | None = None):
    """The port of a site that runs as long as the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    Site.released.clear()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        Site.released.set()
        server.shutdown()
        server.server_close()
