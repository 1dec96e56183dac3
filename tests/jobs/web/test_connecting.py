import socket
import time

import pytest
from urllib3.util import parse_url

from jobs.web import connecting
from jobs.web.connecting import Limits, connect


@pytest.fixture
def silent(monkeypatch):
    """The address of a host whose three addresses take no connection and refuse none."""
    with socket.socket() as listener, socket.socket() as first:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        first.connect(("127.0.0.1", port))  # now its queue is full
        found = ["127.0.0.1", "127.0.1", "127.1"]
        monkeypatch.setattr(connecting, "resolve", lambda host, **options: found)
        yield parse_url(f"http://silent.example:{port}/")


def test_all_addresses_together_get_no_longer_than_there_is(silent):
    begun = time.monotonic()

    with pytest.raises(TimeoutError, match=r"silent\.example took too long"):
        connect(silent, allow_private=True, limits=Limits(connect_seconds=0.15), end=begun + 0.2)
    assert time.monotonic() - begun < 2


def test_nobody_is_called_when_the_time_is_over_before_the_address_is_known(silent):
    with pytest.raises(TimeoutError):
        connect(silent, allow_private=True, limits=Limits(), end=time.monotonic())
