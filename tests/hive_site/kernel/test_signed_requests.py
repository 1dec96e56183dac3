import pytest

from hive_site.kernel.envelope import Forged, node_key
from hive_site.kernel.signed_requests import WINDOW_SECONDS, authorization, read_authorization

KEY, NOW, PATH = node_key("fleet", "spore-1"), 1_700_000_000.0, "/api/v1/blobs/ab/"


def signed(**changes):
    fields = {"node": "spore-1", "key": KEY, "method": "GET", "path": PATH, "now": NOW}
    return authorization(**fields | changes).removeprefix("Node ")


def read(value, **changes):
    fields = {"method": "GET", "path": PATH, "now": NOW} | changes
    return read_authorization(value, key_of=lambda name: node_key("fleet", name), **fields)


def test_a_node_is_known_by_its_key():
    assert read(signed()) == "spore-1"


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS, WINDOW_SECONDS])
def test_clocks_may_differ_a_little(seconds):
    assert read(signed(now=NOW + seconds)) == "spore-1"


@pytest.mark.parametrize("seconds", [-WINDOW_SECONDS - 1, WINDOW_SECONDS + 1])
def test_what_was_signed_long_ago_is_refused(seconds):
    with pytest.raises(Forged, match="allowed"):
        read(signed(now=NOW + seconds))


@pytest.mark.parametrize(
    "changes", [{"method": "PUT"}, {"path": "/api/v1/blobs/ac/"}, {"key": node_key("x", "spore-1")}]
)
def test_a_signature_is_good_for_one_request_of_one_node(changes):
    with pytest.raises(Forged, match="not signed"):
        read(signed(**changes))


def test_a_node_cannot_speak_for_another():
    with pytest.raises(Forged):
        read(signed().replace("spore-1", "spore-2"))


@pytest.mark.parametrize("value", ["", "spore-1", "a:b:c:d", "spore 1:1:00:00", signed() + "0"])
def test_what_is_no_signature_is_refused(value):
    with pytest.raises(Forged, match="give NAME"):
        read(value)
