"""Values by their SHA-256 over HTTP: who may fetch them, who may leave them, and what."""

import hashlib
import time

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from jobs import blobs
from jobs.models import Blob
from tests.conftest import client_with

TEXT = '{"a":"é"}'
NAME = hashlib.sha256(TEXT.encode()).hexdigest()
URL = f"/api/v1/blobs/{NAME}/"


class Node(APIClient):
    """A Spore that signs what it asks."""

    def __init__(self, *, key=None, late=0.0):
        super().__init__(raise_request_exception=False)
        self.key = key or node_key(settings.HIVE_FLEET_KEY, "spore-1")
        self.late = late

    def ask(self, method, url, data=b""):
        signed = authorization(
            node="spore-1", key=self.key, method=method, path=url, now=time.time() - self.late
        )
        kind = {"content_type": "application/json"} if method == "PUT" else {}
        return self.generic(method, url, data, HTTP_AUTHORIZATION=signed, **kind)


@pytest.fixture
def node(db, redis):
    yield Node()
    blobs.storage().delete(blobs.place(NAME))


def test_a_node_leaves_a_value_and_fetches_it(node):
    assert node.ask("PUT", URL, TEXT.encode()).status_code == 204
    assert node.ask("PUT", URL, TEXT.encode()).status_code == 204  # twice is fine

    answer = node.ask("GET", URL)

    assert b"".join(answer.streaming_content) == TEXT.encode()
    assert (answer["Content-Type"], Blob.objects.get().size) == ("application/json", 10)


def test_other_bytes_than_the_address_says_are_refused(node):
    answer = node.ask("PUT", URL, TEXT.encode() + b" ")

    assert (answer.status_code, Blob.objects.count()) == (400, 0)
    assert "another SHA-256" in answer.json()["detail"]


@pytest.mark.parametrize("data", [b"@", b'"a","b"', b"NaN", b"\xff", b"", b'@["1"]'])
def test_what_is_no_json_is_refused(node, data):
    name = hashlib.sha256(data).hexdigest()

    answer = node.ask("PUT", f"/api/v1/blobs/{name}/", data)

    assert (answer.status_code, Blob.objects.count()) == (400, 0)


def test_a_forged_or_old_signature_is_no_good(node):
    for stranger in (Node(key=b"guessed"), Node(late=3600)):
        answer = stranger.ask("PUT", URL, TEXT.encode())
        assert (answer.status_code, Blob.objects.count()) == (401, 0)


def test_a_key_that_may_read_may_fetch_and_none_may_leave(node):
    node.ask("PUT", URL, TEXT.encode())

    assert client_with("read").get(URL).status_code == 200
    assert client_with("submit").get(URL).status_code == 403
    every = client_with("read", "submit", "control", "ota", "pickle")
    assert every.put(URL, {}, format="json").status_code == 403
    assert APIClient().get(URL).status_code == 401


@pytest.mark.parametrize("name", ["0" * 64, NAME.upper(), "..", "a"])
def test_what_is_not_there_is_not_found(node, name):
    assert node.ask("GET", f"/api/v1/blobs/{name}/").status_code == 404
