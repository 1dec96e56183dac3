"""Whom a machine trusts when it joins: who answers is not always who was meant."""

import hashlib
import json

import pytest

from hive_site.kernel.errors import Conflict, Gone, Invalid, Unavailable
from nodes.spore.enrolment import CA_PATH, ask_to_join, fetch_authorities
from tests.certificates import Authority
from tests.tls_server import Nexus, answering


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "ours")


@pytest.fixture
def nexus(authority):
    with answering(authority, "127.0.0.1") as nexus:
        yield nexus


def sha256_of(authority: Authority) -> str:
    return hashlib.sha256(authority.ca_file.read_bytes()).hexdigest()


def ask(nexus: Nexus, authority: Authority):
    return ask_to_join(nexus.url, "hivejoin_secret", {}, ca_file=str(authority.ca_file))


def test_the_hash_in_the_line_is_enough_to_know_whom_to_trust(nexus, authority):
    found = fetch_authorities(nexus.url, sha256_of(authority).upper())

    assert found.encode() == authority.ca_file.read_bytes()


def test_somebody_in_between_is_found_out_before_anything_is_told(nexus, tmp_path):
    other = Authority(tmp_path / "other", name="somebody else")

    with pytest.raises(Conflict, match="other authorities than --ca-sha256 names"):
        fetch_authorities(nexus.url, sha256_of(other))
    assert nexus.asked == [(CA_PATH, "")]


def test_the_token_goes_to_nobody_whom_they_do_not_vouch_for(nexus, tmp_path):
    other = Authority(tmp_path / "other", name="somebody else")

    with pytest.raises(Unavailable, match="not one that this machine trusts"):
        ask(nexus, other)
    assert nexus.asked == []


def test_nor_to_another_host_that_they_vouch_for(authority):
    with answering(authority, "elsewhere.example") as nexus:
        with pytest.raises(Unavailable, match="not one that this machine trusts"):
            ask(nexus, authority)

        assert nexus.asked == []


def test_whoever_is_trusted_is_told_the_token_and_believed(nexus, authority):
    nexus.said = json.dumps({"node": "a"}).encode()

    assert ask(nexus, authority) == {"node": "a"}
    assert nexus.asked == [("/api/v1/nodes/join/", "Join hivejoin_secret")]


@pytest.mark.parametrize(
    ("status", "fact"),
    [(400, Invalid), (403, Conflict), (409, Conflict), (410, Gone), (500, Unavailable)],
)
def test_a_refusal_is_told_in_the_words_of_the_nexus(nexus, authority, status, fact):
    nexus.status, nexus.said = status, json.dumps({"detail": "so it is"}).encode()

    with pytest.raises(fact, match="so it is"):
        ask(nexus, authority)


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b"[" * 10_000])
def test_an_answer_of_something_else_is_no_grant(nexus, authority, said):
    nexus.said = said

    with pytest.raises(Unavailable):
        ask(nexus, authority)


def test_a_flood_is_not_read_to_its_end(nexus, authority, monkeypatch):
    monkeypatch.setattr("nodes.spore.enrolment.MAX_ANSWER_BYTES", 100)
    nexus.said = json.dumps({"node": "a" * 1000}).encode()

    with pytest.raises(Unavailable, match="more than 100 bytes"):
        ask(nexus, authority)
