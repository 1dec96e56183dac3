"""A Nexus over real HTTP that can be as bad as a network gets, and a trust that is easy."""

import hashlib
import json
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Semaphore, Thread
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

from hive_site.kernel.envelope import Forged, node_key, seal
from hive_site.kernel.signed_requests import read_authorization
from ota.domain.trust import Untrusted
from ota.spore.fetching import Pace
from ota.spore.nexus import NexusClient

NODE, KEY = "spore-1", node_key("honey", "spore-1")


@dataclass
class Desk:
    """What the Nexus has. `faults` are how it answers the next requests of a kind, one each."""

    files: dict = field(default_factory=lambda: {"packages": {}, "wheels": {}})
    metadata: dict = field(default_factory=dict)
    root: str = '{"version": 1}'
    synced: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    faults: dict = field(default_factory=lambda: defaultdict(list))
    clock: object = time.time
    url: str = ""

    def add_package(self, data):
        sha256 = hashlib.sha256(data).hexdigest()
        self.files["packages"][sha256] = data
        return sha256

    def client(self, **options):
        return NexusClient(self.url, NODE, KEY, **options)

    def times(self, kind):
        """How often something was asked for."""
        return sum(path.split("/")[4] == kind for path, _ in self.asked)


class Answerer(BaseHTTPRequestHandler):
    """One connection to the desk that the server holds."""

    protocol_version = "HTTP/1.1"

    @property
    def desk(self):
        return self.server.desk

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        self.desk.asked.append((self.path, self.headers.get("Range", "")))
        kind, name = url.path.split("/")[4], (*url.path.split("/"), "")[5]
        try:
            _, _, signed = self.headers["Authorization"].partition(" ")
            read_authorization(
                signed,
                key_of=lambda node: KEY,
                method=self.command,
                path=url.path,
                now=self.desk.clock(),
            )
        except Forged as fact:
            return self.tell(401, {"detail": str(fact)})
        if self.desk.faults[kind]:
            return self.desk.faults[kind].pop(0)(self, kind, name)
        if kind == "sync":
            self.desk.synced.append(json.loads(body))
            return self.tell(200, {"rev": 1, "order": "none"})
        if kind == "root":
            sealed = seal(self.desk.root, key=KEY, purpose="root").decode()
            return self.tell(200, {"root": sealed})
        if kind == "metadata":
            return self.tell(200, {**self.desk.metadata, "asked": parse_qs(url.query)})
        if kind == "wheels" and not name:
            return self.tell(200, {"wheels": self.listing()})
        return self.send_file(kind, name)

    do_GET = do_POST = answer

    def listing(self):
        found = self.desk.files["wheels"].items()
        return [{"name": n, "sha256": hashlib.sha256(d).hexdigest()} for n, d in found]

    def send_file(self, kind, name):
        data = self.desk.files[kind].get(name)
        if data is None:
            return self.tell(404, {"detail": f"there is no {name}"})
        etag, start = f'"{name}"', 0
        wanted = self.headers.get("Range", "")
        if wanted and self.headers.get("If-Range") == etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        self.send_body(data[start:], start=start, total=len(data), etag=etag)

    def send_body(self, data, *, start=0, total=0, etag="", length=None):
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.send_header("ETag", etag)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(data)

    def tell(self, status, body, **headers):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text)

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.desk.clock())

    def log_message(self, *args):
        """Tests are quiet."""


class Server(ThreadingHTTPServer):
    """Callers that are gone in the middle are what it is for."""

    daemon_threads, block_on_close = True, False

    def handle_error(self, request, client_address):
        """Not worth a word."""


@contextmanager
def open_desk():
    server = Server(("127.0.0.1", 0), Answerer)
    server.desk = Desk(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.desk
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def cut_after(count):
    """The connection ends in the middle."""

    def fault(answer, kind, name):
        data = answer.desk.files[kind][name]
        answer.send_body(data[:count], etag=f'"{name}"', length=len(data))
        answer.close_connection = True

    return fault


def flip_a_byte(answer, kind, name):
    data = answer.desk.files[kind][name]
    answer.send_body(bytes([data[0] ^ 1]) + data[1:], etag=f'"{name}"')


def add_bytes(answer, kind, name):
    """A body without an end; its sender says nothing of its length."""
    answer.send_response(200)
    answer.send_header("Connection", "close")
    answer.end_headers()
    answer.wfile.write(answer.desk.files[kind][name] + b"more" * 1000)
    answer.close_connection = True


def ignore_range(answer, kind, name):
    answer.send_body(answer.desk.files[kind][name], etag=f'"{name}"')


def send_another_file(answer, kind, name):
    data = answer.desk.files[kind][name]
    start = int(answer.headers["Range"].removeprefix("bytes=").removesuffix("-"))
    answer.send_body(b"x" * (len(data) - start), start=start, total=len(data), etag='"other"')


def refuse(status, **headers):
    return lambda answer, kind, name: answer.tell(status, {"detail": "not now"}, **headers)


def hang_up(answer, kind, name):
    """Nothing at all comes back."""
    answer.close_connection = True


def crawl(clock):
    """One byte for each second that the other side's clock has counted."""

    def fault(answer, kind, name):
        data = answer.desk.files[kind][name]
        answer.send_body(b"", etag=f'"{name}"', length=len(data))
        clock.steps.release()
        for place in range(len(data)):
            if not clock.steps.acquire(timeout=5):
                break
            answer.wfile.write(data[place : place + 1])
            answer.wfile.flush()
        answer.close_connection = True

    return fault


class Clock:
    """Counts what is slept, and `tick` seconds whenever it is looked at."""

    def __init__(self, tick=0.0):
        self.now, self.tick, self.rests, self.steps = 0.0, tick, [], Semaphore(0)

    def __call__(self):
        self.now += self.tick
        self.steps.release()
        return self.now

    def sleep(self, seconds):
        self.rests.append(seconds)
        self.now += seconds

    def pace(self, luck=None):
        return Pace(clock=self, sleep=self.sleep, luck=luck or Random(0))


class EasyTrust:
    """Has the methods of `TrustStore`, and believes whatever the bundle says in plain words."""

    def __init__(self, folder):
        self._pin, self._bundle = folder / "root.json", None

    @property
    def pinned(self):
        return self._pin.exists()

    def pin(self, root):
        self._pin.parent.mkdir(parents=True, exist_ok=True)
        self._pin.write_bytes(root)

    def root_version(self):
        return json.loads(self._pin.read_bytes())["version"]

    def knows(self, root):
        return self._pin.read_bytes() == root

    def refresh(self, bundle, now):
        if code := bundle.get("untrusted"):
            raise Untrusted(code, f"it is {code}")
        self._bundle = bundle

    def find(self, path):
        if path not in self._bundle["signed"]:
            raise Untrusted("unknown_target", path)
        return SimpleNamespace(path=path, **self._bundle["signed"][path])
