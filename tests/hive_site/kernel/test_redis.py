from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from hive_site.kernel.redis import (
    AWAY,
    BLOCKING_SOCKET_SECONDS,
    connect,
    key,
    load_script,
    safe_url,
)

ANSWERS = {b"HELLO": b"%1\r\n+proto\r\n:3\r\n"}


class HangsUp(StreamRequestHandler):
    """A Redis that takes every INCRBY and goes away before it answers."""

    def handle(self) -> None:
        while words := [self.read_word() for _ in range(self.read_count())]:
            if words[0] == b"INCRBY":
                self.server.counted.append(words[1])
                return
            self.wfile.write(ANSWERS.get(words[0], b"+OK\r\n"))

    def read_count(self) -> int:
        return int(self.rfile.readline()[1:] or 0)

    def read_word(self) -> bytes:
        return self.rfile.read(self.read_count() + 2)[:-2]


@pytest.fixture
def rude() -> Iterator[ThreadingTCPServer]:
    with ThreadingTCPServer(("127.0.0.1", 0), HangsUp) as server:
        server.counted, server.daemon_threads = [], True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def url_of(server: ThreadingTCPServer) -> str:
    return f"redis://127.0.0.1:{server.server_address[1]}/0"


def test_a_command_whose_answer_was_lost_is_not_sent_again(rude):
    with pytest.raises(AWAY):
        connect(url_of(rude)).incr("n")

    assert rude.counted == [b"n"]


def test_a_blocking_read_whose_answer_was_lost_is_not_sent_again(rude):
    with pytest.raises(AWAY):
        connect(url_of(rude), blocking=True).incr("n")

    assert rude.counted == [b"n"]


def test_a_patient_client_sends_again_before_it_gives_up(rude):
    with pytest.raises(AWAY):
        connect(url_of(rude), patient=True).incr("n")

    assert rude.counted == [b"n"] * 4


def test_a_blocking_client_outwaits_the_longest_block_of_25_seconds():
    blocking = connect("redis://127.0.0.1:1/0", blocking=True).connection_pool.connection_kwargs
    quick = connect("redis://127.0.0.1:1/0").connection_pool.connection_kwargs

    assert blocking["socket_timeout"] == BLOCKING_SOCKET_SECONDS > 25
    assert quick["socket_timeout"] == 5


def test_nobody_listening_is_what_away_looks_like():
    with pytest.raises(AWAY):
        connect("redis://127.0.0.1:1/0").ping()


def test_a_client_is_known_to_the_server_by_its_name(broker):
    client = broker.open(name="hive-spore-1-abc")
    client.ping()

    assert "hive-spore-1-abc" in {row["name"] for row in client.client_list()}


def test_what_is_read_is_bytes(broker):
    client = broker.open()
    client.set("k", "ü")

    assert client.get("k") == "ü".encode()


def test_every_key_of_the_hive_begins_with_its_name():
    assert key("beat", "spore-1") == "hive:beat:spore-1"
    assert key("flight", 7) == "hive:flight:7"


def test_a_verb_is_loaded_again_by_a_server_that_forgot_it(broker, tmp_path):
    path = tmp_path / "double.lua"
    path.write_text("return redis.call('INCRBY', KEYS[1], 2 * ARGV[1])")
    client = broker.open()
    double = load_script(client, path)

    assert double(keys=["n"], args=[2]) == 4
    client.script_flush()
    assert double(keys=["n"], args=[1]) == 6


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:s3cret@127.0.0.1:6379/0", "redis://***@127.0.0.1:6379/0"),
        ("rediss://ann:s3cret@host/0", "rediss://***@host/0"),
        ("redis://:s3cret@with@ats@host:1/0", "redis://***@host:1/0"),
        ("redis://:s3cret%2F@host/0?x=a@b", "redis://***@host/0?x=a@b"),
        ("unix://ann@/run/redis?password=s3cret&db=1", "unix://***@/run/redis?password=***&db=1"),
        ("unix:///run/redis?db=1&password=s3cret", "unix:///run/redis?db=1&password=***"),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    assert safe_url(url) == shown
