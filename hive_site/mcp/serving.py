"""The tools on stdio for one agent, or over HTTP for many, each with an API key of its own."""

import hashlib
import os
import signal
import socket
from collections.abc import Sequence

import anyio
import uvicorn
from anyio.abc import TaskStatus
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.authentication import AuthenticationError

from hive_site.mcp.desk import GOODBYE_SECONDS, ask, status_of
from hive_site.mcp.pipe import Pipe, claim_stdout
from hive_site.mcp.server import HiveServer, build_server
from jobs.client import Hive

PATH = "/mcp"
MAX_BODY_BYTES = 32 * 1024 * 1024
#: Whoever calls over HTTP has a client that asks again.
PATIENCE_SECONDS = 10
#: Calls that still wait must not hold up the end.
GRACE_SECONDS = 3
#: How long the answers to the calls that a signal ended may take.
LAST_WORDS_SECONDS = 1


class NexusVerifier:
    """Knows the keys that the Nexus knows; keeps none."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who calls with this key; None if the Nexus refuses it."""
        hive = Hive(self._url, token, patience=PATIENCE_SECONDS, known=True)
        try:
            await ask(hive.request, "GET", "cluster/")
        except ToolError as error:
            status = status_of(error)
            if status == 401:
                return None
            if status != 403:  # a key that may only submit is a key, too
                raise AuthenticationError(str(error)) from error
        caller = hashlib.sha256(token.encode()).hexdigest()[:16]
        return AccessToken(token=token, client_id=caller, scopes=[])


def serve_stdio(hive: Hive, *, version: str) -> None:
    """Serve one agent on stdin and stdout, until it closes them or a signal comes."""
    anyio.run(_serve_stdio, build_server(lambda: hive, version=version))


async def _serve_stdio(server: HiveServer) -> None:
    pipe = Pipe(claim_stdout(), server.owed)
    async with anyio.create_task_group() as group:
        await group.start(_leave_at_signal, server, pipe)
        await server.serve_through(pipe)
        group.cancel_scope.cancel()


async def _leave_at_signal(
    server: HiveServer, pipe: Pipe, *, task_status: TaskStatus[None]
) -> None:
    """Cancel what runs, say so, and exit as whoever is killed by the signal."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        task_status.started()
        async for signum in signals:
            with anyio.move_on_after(GOODBYE_SECONDS + 1):
                await server.cancel_calls()
            # An agent that reads no more must not hold up the end.
            with anyio.move_on_after(LAST_WORDS_SECONDS):
                if server.owed:
                    await pipe.paid.wait()
            # Not sys.exit(): a thread waits for the agent's next line, and nothing wakes it.
            os._exit(128 + signum)


def build_app(url: str, *, version: str, names: Sequence[str]) -> Starlette:
    """The ASGI application, for the Nexus at `url`, which answers under these host names only."""

    def caller() -> Hive:
        token = get_access_token()
        if token is None:
            raise ToolError("no API key came with this call")
        return Hive(url, token.token, patience=PATIENCE_SECONDS, known=True)

    auth = AuthSettings(
        issuer_url=url,  # type: ignore[arg-type]
        resource_server_url=None,
    )
    server = build_server(caller, version=version, auth=auth, token_verifier=NexusVerifier(url))
    hosts = [host for name in names for host in (name, f"{name}:*")]
    return server.streamable_http_app(
        streamable_http_path=PATH,
        # No call depends on another, so that a restart ends no session.
        stateless_http=True,
        max_request_body_size=MAX_BODY_BYTES,
        transport_security=TransportSecuritySettings(
            allowed_hosts=hosts,
            allowed_origins=[
                f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts
            ],
        ),
    )


def end_in_order() -> None:
    """Let a signal end this process with exit code 0; uvicorn passes on what it is told."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        # Not sys.exit(): the signal may come while a library is in the middle of something.
        signal.signal(signum, lambda *_: os._exit(0))


def serve_http(app: Starlette, listener: socket.socket) -> None:
    """Serve agents until a signal comes."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    uvicorn.Server(config).run(sockets=[listener])
