"""`hive mcp`: the Hive as tools for agents, over the Model Context Protocol."""

import argparse
import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_site.commands.up import find_nexus
from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid

if TYPE_CHECKING:
    from jobs.client import Hive

HELP = "serve the Hive as tools for agents (Model Context Protocol)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """stdio unless told otherwise."""
    parser.add_argument(
        "--http",
        type=address,
        metavar="HOST:PORT",
        help="serve over HTTP there; each caller shows an API key of the Hive as bearer token",
    )
    parser.add_argument(
        "--url", metavar="URL", help="the Nexus (HIVE_NEXUS_URL, or what `hive up` runs here)"
    )
    parser.add_argument(
        "--key", metavar="KEY", help="API key for stdio (HIVE_API_KEY, or that of `hive up` here)"
    )


def address(text: str) -> tuple[str, int]:
    """A reader of HOST:PORT for argparse, which says what is allowed."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r}: give HOST:PORT, like 127.0.0.1:8001")
    return host.strip("[]") or "127.0.0.1", int(port)


def run(options: dict[str, Any]) -> int:
    """Serve until the agent, or a signal, ends it."""
    try:
        from hive_site.mcp import serving
    except ModuleNotFoundError as error:
        raise Invalid(f"{error.name} is not installed: pip install -r requirements.txt") from error
    from django.conf import settings

    # On stdio nobody but the agent's client sees them, and it shows them to people.
    logging.getLogger("mcp").setLevel(logging.WARNING)
    hive, version = settings.HIVE, settings.HIVE_RELEASE
    env = Env(os.environ)
    url = options["url"] or (env.text("HIVE_NEXUS_URL") or find_nexus(hive))
    if options["http"] is None:
        serving.serve_stdio(find_hive(url, options["key"], env, hive.data), version=version)
        return 0
    serving.end_in_order()
    host, port = options["http"]
    with listen(host, port) as listener:
        bound = listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"MCP at http://{shown}:{bound}{serving.PATH} for the Nexus at {url}\n")
        sys.stderr.flush()
        names = dict.fromkeys([shown, *settings.ALLOWED_HOSTS])
        app = serving.build_app(url, version=version, names=list(names))
        serving.serve_http(app, listener)
    return 0


def find_hive(url: str, key: str | None, env: Env, data: Path) -> "Hive":
    """A client with the key that was given, set, or kept here by `hive up`. Raises `Invalid`."""
    from jobs.client import Hive

    kept = data / "secrets" / "api_key"
    secret = key or env.text("HIVE_API_KEY") or (kept.read_text().strip() if kept.exists() else "")
    if not secret:
        way = "give --key or HIVE_API_KEY (`hive key NAME` on the Nexus makes one)"
        raise Invalid(f"there is no API key in {kept}; {way}")
    return Hive(url, secret)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises `Invalid` if that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = f"--http {host}:{port}: cannot listen there: {error.strerror or error}"
        raise Invalid(f"{reason}; take another port") from error
    except (TypeError, UnicodeError) as error:
        reason = f"--http {host}:{port}: {host!r} can be no host's name: {error}"
        raise Invalid(f"{reason}; give an address of this machine") from error
