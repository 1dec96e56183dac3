import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.envelope import Forged, node_key, purpose_key, seal, unseal

KEY = node_key("fleet", "spore-1")
OTHER = node_key("fleet", "spore-2")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values)
def test_what_was_sealed_comes_out_again(value):
    assert (
        unseal(seal(json.dumps(value), key=KEY, purpose="beat"), key=KEY, purpose="beat") == value
    )


def test_the_text_travels_untouched():
    text = '{"ü": "日本 \\ud83d\\ude00 – 🐝",  "b": 1.0}'

    envelope = seal(text, key=KEY, purpose="beat")

    assert envelope.partition(b".")[2].partition(b".")[2] == text.encode()
    assert unseal(envelope, key=KEY, purpose="beat")["ü"] == "日本 😀 – 🐝"


def test_a_seal_is_the_hmac_of_purpose_and_text():
    # printf 'beat\0{}' | openssl dgst -sha256 -hmac k
    known = "290b05525d159927bc27975b70a875eca4702383b26f436da45ac0b75465a823"

    assert seal("{}", key=b"k", purpose="beat") == f"v1.{known}.{{}}".encode()


def test_a_report_never_passes_for_a_bundle():
    envelope = seal("{}", key=KEY, purpose="report")

    with pytest.raises(Forged, match="not a bundle signed with this key"):
        unseal(envelope, key=KEY, purpose="bundle")


def test_no_text_can_pull_the_purpose_over():
    # Without a mark between them, "re" + "port{}" and "report" + "{}" would be the same bytes.
    envelope = seal("port{}", key=KEY, purpose="re")
    signature = envelope.split(b".")[1]

    with pytest.raises(Forged):
        unseal(b"v1." + signature + b".{}", key=KEY, purpose="report")


def test_one_node_cannot_speak_for_another():
    envelope = seal("{}", key=OTHER, purpose="report")

    with pytest.raises(Forged):
        unseal(envelope, key=KEY, purpose="report")


def test_every_node_of_every_fleet_has_a_key_of_its_own():
    keys = {node_key(fleet, node) for fleet in ("a", "b", "ü") for node in ("x", "y", "ü")}

    assert len(keys) == 9
    assert {len(key) for key in keys} == {32}
    assert node_key("a", "x") == node_key("a", "x")


def test_no_node_has_the_key_of_something_else_because_it_is_called_so():
    assert purpose_key("fleet", "rq") not in {
        node_key("fleet", name) for name in ("rq", "1|rq", "")
    }


@given(st.data())
def test_any_flipped_bit_is_noticed(data):
    envelope = bytearray(seal('{"a": [1, "ü"]}', key=KEY, purpose="beat"))
    envelope[data.draw(st.integers(0, len(envelope) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(Forged):
        unseal(bytes(envelope), key=KEY, purpose="beat")


@given(st.binary() | st.binary().map(lambda noise: b"v1." + noise))
def test_noise_is_forged_and_nothing_worse(noise):
    with pytest.raises(Forged):
        unseal(noise, key=KEY, purpose="beat")


def test_another_version_is_refused_even_if_its_seal_would_fit():
    with pytest.raises(Forged):
        unseal(b"v2" + seal("{}", key=KEY, purpose="beat")[2:], key=KEY, purpose="beat")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "9" * 5000])
def test_a_signed_text_that_is_no_json_is_refused(text):
    with pytest.raises(Forged, match="a signed beat that is not JSON"):
        unseal(seal(text, key=KEY, purpose="beat"), key=KEY, purpose="beat")
