import asyncio
import hashlib
import os
import time

import pytest
from django.conf import settings
from django.test import AsyncClient

from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from ota.storage import package_path, wheelhouse

DATA = bytes(range(256)) * 4096
NAME = hashlib.sha256(DATA).hexdigest()
URL = f"/api/v1/ota/packages/{NAME}/"


@pytest.fixture
def stored(nexus_data):
    """A package of a mebibyte. What is in it, nobody looks at here."""
    package_path(NAME).write_bytes(DATA)
    return package_path(NAME)


def body(response) -> bytes:
    return response.getvalue()


def signed(method: str, url: str, *, key: bytes | None = None) -> str:
    key = key or node_key(settings.HIVE_FLEET_KEY, "spore-1")
    return authorization(node="spore-1", key=key, method=method, path=url, now=time.time())


def test_a_package_comes_whole(api, stored):
    response = api.get(URL)

    assert (response.status_code, body(response)) == (200, DATA)
    assert response["ETag"] == f'"{NAME}"'
    assert response["Content-Length"] == str(len(DATA))
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Type"] == "application/zip"


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=600000-", 600_000, len(DATA)),
        ("bytes=-5", len(DATA) - 5, len(DATA)),
    ],
)
def test_a_download_is_resumed_at_any_byte(api, stored, asked, start, end):
    response = api.get(URL, HTTP_RANGE=asked, HTTP_IF_RANGE=f'"{NAME}"')

    assert (response.status_code, body(response)) == (206, DATA[start:end])
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{len(DATA)}"
    assert response["Content-Length"] == str(end - start)


def test_a_download_of_something_else_starts_again(api, stored):
    response = api.get(URL, HTTP_RANGE="bytes=5-", HTTP_IF_RANGE='"another"')

    assert (response.status_code, body(response)) == (200, DATA)


def test_nothing_lies_behind_the_end(api, stored):
    response = api.get(URL, HTTP_RANGE=f"bytes={len(DATA)}-")

    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{len(DATA)}"
    assert response.json()["status"] == 416


def test_what_the_caller_has_is_not_sent_again(api, stored):
    response = api.get(URL, HTTP_IF_NONE_MATCH=f'"{NAME}"')

    assert (response.status_code, response.content) == (304, b"")


def test_head_tells_without_sending(api, stored):
    response = api.head(URL)

    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(len(DATA))
    assert response["ETag"] == f'"{NAME}"'


@pytest.mark.parametrize("name", ["0" * 64, "..", "%2e%2e%2fdb", NAME.upper(), f"{NAME}.zip"])
def test_what_is_not_there_is_a_404(api, stored, name):
    assert api.get(f"/api/v1/ota/packages/{name}/").status_code == 404


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_node_shows_its_signature(client, db, stored, method):
    header = signed(method.upper(), URL)

    assert getattr(client, method)(URL, HTTP_AUTHORIZATION=header).status_code == 200


def test_nobody_else_gets_it(client, db, stored):
    forged = signed("GET", URL, key=b"another")

    assert client.get(URL).status_code == 401
    assert client.get(URL, HTTP_AUTHORIZATION=forged).status_code == 401


def test_under_asgi_it_is_sent_in_pieces(stored, admin_user):
    async def fetch():
        client = AsyncClient()
        header = signed("GET", URL)
        response = await client.get(
            URL, headers={"authorization": header, "range": "bytes=1-1000000"}
        )
        return response.status_code, [piece async for piece in response.streaming_content]

    status, pieces = asyncio.run(fetch())

    assert (status, b"".join(pieces)) == (206, DATA[1:1_000_001])
    assert len(pieces) > 1


def times_open(path) -> int:
    links = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return sum(os.path.realpath(link) == os.path.realpath(path) for link in links)


def test_a_file_is_closed_though_nobody_reads_it(api, stored):
    response = api.get(URL)
    assert times_open(stored) == 1

    response.close()

    assert times_open(stored) == 0


def test_a_wheel_comes_by_its_name(api, nexus_data):
    (wheelhouse() / "bee-1.0-py3-none-any.whl").write_bytes(b"wheel")

    response = api.get("/api/v1/ota/wheels/bee-1.0-py3-none-any.whl/")

    assert body(response) == b"wheel"


@pytest.mark.parametrize("name", ["gone-1.0-py3-none-any.whl", "..", ".new-1", "hive.sqlite3"])
def test_what_is_no_wheel_is_a_404(api, nexus_data, name):
    assert api.get(f"/api/v1/ota/wheels/{name}/").status_code == 404
