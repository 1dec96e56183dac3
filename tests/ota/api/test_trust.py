import json
import time

import pytest
from django.conf import settings

from hive_site.kernel.envelope import node_key, unseal
from hive_site.kernel.signed_requests import authorization
from ota.api import trust


class Shelf:
    def root(self) -> bytes:
        return b'{"signed": "root"}'

    def bundle(self, root_from: int) -> dict:
        return {"roots": [f"root {root_from}"], "timestamp": "t", "snapshot": "s"}


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(trust, "open_repository", Shelf)


def test_a_node_pins_the_root_that_is_sealed_for_it(cluster, shelf):
    url, key = "/api/v1/ota/root/", node_key(settings.HIVE_FLEET_KEY, "spore-0")
    header = authorization(node="spore-0", key=key, method="GET", path=url, now=time.time())

    sealed = cluster._client.get(url, HTTP_AUTHORIZATION=header).json()["root"]

    assert unseal(sealed.encode(), key=key, purpose="root") == {"signed": "root"}


def test_metadata_come_once(api, shelf):
    first = api.get("/api/v1/ota/metadata/?root_from=3")
    again = api.get("/api/v1/ota/metadata/?root_from=3", HTTP_IF_NONE_MATCH=first.headers["ETag"])

    assert json.loads(first.content)["roots"] == ["root 3"]
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("text", ["-1", "x", "99999999999", "²"])
def test_the_version_of_a_root_is_a_number(api, shelf, text):
    answer = api.get("/api/v1/ota/metadata/", {"root_from": text})

    assert answer.status_code == 400


def test_before_anything_is_published_there_is_nothing_to_trust(api):
    assert api.get("/api/v1/ota/metadata/").status_code == 404
