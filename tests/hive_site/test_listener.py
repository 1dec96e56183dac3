"""uvicorn with our protocol, spoken to over real sockets."""

import asyncio
import contextlib
import socket
import threading
import time

import pytest
import uvicorn

from hive_site import listener

pytestmark = pytest.mark.processes
ASK = b"GET / HTTP/1.1\r\nHost: hive\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: hi"
PATIENCE = 20
#: What kernels take for somebody who reads nothing, and more than that.
BUFFER_BYTES, LARGE = 16 * 1024, b"x" * 1024 * 1024


async def app(scope, receive, send):
    """Answers a moment later than anybody would wait for a request."""
    await asyncio.sleep(3 * listener.HEADERS_SECONDS if scope["path"] == "/slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send(
        {"type": "http.response.body", "body": LARGE if scope["path"] == "/large" else b"ok"}
    )


@pytest.fixture
def server(monkeypatch):
    """One that waits a tenth of a second for a request, and for who reads nothing."""
    monkeypatch.setattr(listener, "HEADERS_SECONDS", 0.1)
    monkeypatch.setattr(listener, "READING_SECONDS", 0.1)
    place = socket.create_server(("127.0.0.1", 0))
    place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
    options = {"http": "hive_site.listener:Listener", "log_level": "critical", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    server.port = place.getsockname()[1]
    yield server
    server.should_exit = True
    thread.join(PATIENCE)
    place.close()


@pytest.fixture
def port(server):
    return server.port


@pytest.fixture
def line(port):
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        found.settimeout(PATIENCE)
        found.connect(("127.0.0.1", port))
        yield found


def ended(line: socket.socket) -> bool:
    """Whether the other side hangs up, before anybody here loses patience."""
    try:
        while line.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def reaches(condition) -> bool:
    """Whether it comes true before anybody here loses patience."""
    give_up_at = time.monotonic() + PATIENCE / 2
    while not condition() and time.monotonic() < give_up_at:
        time.sleep(0.02)
    return condition()


def test_a_connection_over_which_nothing_is_asked_ends(line):
    assert ended(line)


def test_half_a_request_does_not_hold_a_connection(line):
    line.sendall(HALF)

    assert ended(line)


def test_headers_without_end_do_not_hold_a_connection(line):
    line.sendall(ASK.removesuffix(b"\r\n"))
    begun = time.monotonic()

    with pytest.raises(OSError):  # noqa: PT012 it may be the first or the last that fails
        while time.monotonic() < begun + PATIENCE:
            line.sendall(b"X-More: 1\r\n")
            time.sleep(0.02)


def test_a_second_request_that_is_never_whole_ends_it_too(line):
    line.sendall(ASK)
    assert line.recv(4096).startswith(b"HTTP/1.1 200")

    line.sendall(HALF)

    assert ended(line)


def test_an_answer_may_take_longer_than_a_question(line):
    line.sendall(ASK.replace(b"/ ", b"/slow ", 1))

    assert line.recv(4096).startswith(b"HTTP/1.1 200")


def test_headers_are_bounded(line):
    with contextlib.suppress(OSError):  # it may have heard enough before all was said
        line.sendall(ASK.removesuffix(b"\r\n") + b"X-Much: " + b"x" * 128 * 1024)

    assert line.recv(4096).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(("path", "times"), [(b"/large", 1), (b"/", 2000)])
def test_who_reads_no_answer_does_not_hold_a_connection(line, server, path, times):
    line.sendall(ASK.replace(b"/ ", path + b" ", 1) * times)

    assert reaches(lambda: server.server_state.total_requests)
    assert reaches(lambda: not server.server_state.connections)


def test_who_reads_slowly_gets_all_of_it(line):
    line.sendall(ASK.replace(b"/ ", b"/large ", 1))
    got = 0

    while got < len(LARGE):
        part = line.recv(BUFFER_BYTES)
        assert part
        got += len(part)
        time.sleep(0.01)
