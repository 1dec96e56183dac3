"""Small real processes that behave like the parts of a stack, as seen from outside.

    python stand_in.py prepare | nexus PORT | foreman | spore NAME | broken | stubborn

Whoever gets SIGTERM writes its role into the file named by DIARY before it ends.
"""

import json
import os
import signal
import sys
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from types import FrameType

from redis import Redis

stopped = Event()


def on_sigterm(signum: int, frame: FrameType | None) -> None:
    stopped.set()


class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *args):
        pass


def nexus(port: str) -> None:
    server = HTTPServer(("127.0.0.1", int(port)), Ready)
    Thread(target=server.serve_forever, daemon=True).start()
    stopped.wait()


def foreman() -> None:
    client = Redis.from_url(os.environ["REDIS_URL"])
    while not stopped.wait(0.05):
        nodes = [
            {"name": name.decode(), "state": "online", "last_seen": seen.decode()}
            for name, seen in client.hgetall("beats").items()
        ]
        client.set("hive:snapshot", json.dumps({"nodes": nodes}))


def spore(name: str) -> None:
    client = Redis.from_url(os.environ["REDIS_URL"])
    while not stopped.wait(0.05):
        client.hset("beats", name, datetime.now(UTC).isoformat())


def main(role: str, *rest: str) -> None:
    signal.signal(signal.SIGTERM, on_sigterm)
    if role == "prepare":
        sys.stdout.write(
            json.dumps({"api_key": "hive_test", "login_url": "http://127.0.0.1/login/x/"})
        )
        return
    if role == "broken":
        sys.exit("the moon is in the wrong house")
    if role == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.write(1, b"ready")
        signal.pause()
    {"nexus": nexus, "foreman": foreman, "spore": spore}[role](*rest)
    with open(os.environ["DIARY"], "a") as diary:
        diary.write(role + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
