"""Our messages come out as the standard library would have them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_site.kernel.messages import dumps, loads

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), VALUES))
def test_a_message_comes_out_as_it_went_in(message):
    try:
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            dumps(message)
    else:
        assert json.loads(dumps(message)) == loads(dumps(message)) == message


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_comes_out_as_nothing(number):
    assert dumps({"after": number}) == b'{"after":null}'


def test_what_is_more_than_json_is_left_to_whoever_reads_it():
    assert math.isnan(loads(b'{"cpu": NaN}')["cpu"])


@pytest.mark.parametrize("text", [b"", b"{", b"[1,]", b'{"a"}'])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError):
        loads(text)
