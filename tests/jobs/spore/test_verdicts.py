"""What is a result, and what is said of an error."""

import json
import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import packing
from jobs.outcomes import Fail, Retry, TaskCancelled, TaskTimeout
from jobs.spore.verdicts import (
    MESSAGE_CHARS,
    TRACEBACK_CHARS,
    Parts,
    ResultInvalid,
    ResultTooLarge,
    describe,
    encode_result,
)
from jobs.wire import MAX_RESULT_BYTES

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    PLAIN | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def raised(error: BaseException) -> BaseException:
    """The error with the traceback of somebody who raised it."""
    try:
        raise error
    except BaseException as caught:
        return caught


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@given(JSON)
def test_whatever_is_json_comes_back_as_it_was(value):
    assert json.loads(encode_result(value)) == value


INVALID = {
    "nan": math.nan,
    "infinity": [math.inf],
    "minus infinity": {"a": -math.inf},
    "half a surrogate pair": "\ud800",
    "half a surrogate pair as a key": {"\udfff": 1},
    "nul": "a\0b",
    "nul as a key": {"\0": 1},
    "nul behind a backslash": "\\\0",
    "10,000 deep": nested(10_000),
    "huge integer": 10**10_000,
    "object": object(),
    "set": {1, 2},
    "bytes": b"bytes",
    "odd key": {(1, 2): 3},
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_no_json_or_no_database_keeps_is_invalid(name):
    with pytest.raises(ResultInvalid, match="a result"):
        encode_result(INVALID[name])


def test_a_value_that_holds_itself_is_invalid():
    value = []
    value.append(value)

    with pytest.raises(ResultInvalid):
        encode_result(value)


@pytest.mark.parametrize("depth", [100, 500, 900])
def test_what_is_nested_deeper_than_every_reader_follows_is_invalid(depth):
    with pytest.raises(ResultInvalid, match="100 levels"):
        encode_result(nested(depth))
    assert encode_result(nested(99)) == "[" * 100 + "]" * 100


@pytest.mark.parametrize("text", [r"\u0000", r"\\u0000", r"a\\\u0000", "\\"])
def test_letters_that_look_like_an_escaped_nul_are_letters(text):
    assert json.loads(encode_result(text)) == text


def test_a_result_may_be_as_long_as_the_limit_and_not_a_byte_longer():
    full = "ü" * (MAX_RESULT_BYTES // 2 - 1)

    assert len(encode_result(full).encode()) == MAX_RESULT_BYTES
    with pytest.raises(ResultTooLarge, match=str(MAX_RESULT_BYTES + 1)):
        encode_result(full + "x")


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (ValueError("x"), {"k": "fail"}),
        (Fail("x"), {"k": "fail", "final": True}),
        (ResultInvalid("x"), {"k": "fail", "final": True}),
        (ResultTooLarge("x"), {"k": "fail", "final": True}),
        (Retry("x"), {"k": "fail", "after": None}),
        (Retry("x", after=0.5), {"k": "fail", "after": 0.5}),
        (TaskTimeout("x"), {"k": "timeout"}),
        (TaskCancelled("x"), {"k": "cancelled"}),
        (SystemExit("x"), {"k": "fail"}),
    ],
)
def test_each_kind_of_error_says_whether_it_is_tried_again(error, fields):
    told = describe(raised(error))

    facts = told.pop("e")
    assert told == fields
    assert facts["message"] == "x"
    assert "raise error" in facts["traceback"]


def test_an_error_is_named_by_its_type_and_the_hives_own_by_their_words():
    class Odd(Exception):
        pass

    errors = [Odd(), ResultInvalid(), ResultTooLarge(), TaskTimeout(), TaskCancelled()]

    types = [describe(error)["e"]["type"] for error in errors]
    assert types[0].endswith("Odd")
    assert types[1:] == ["result_invalid", "result_too_large", "timeout", "cancelled"]


class Mute(Exception):
    """One that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_be_printed_is_still_told():
    facts = describe(raised(Mute()))["e"]

    assert facts["message"] == "unprintable: RuntimeError"
    assert "Mute" in facts["traceback"]


def misplaced() -> SyntaxError:
    error = SyntaxError("bad")
    error.filename, error.lineno, error.offset, error.text = "x", 1, "q", "abc"
    return error


class Unnoted(Exception):
    @property
    def __notes__(self):
        raise KeyError("notes")


class Causeless(Exception):
    @property
    def __cause__(self):
        return 5


@pytest.mark.parametrize("error", [misplaced(), Unnoted("x"), Causeless("x")])
def test_an_error_whose_story_cannot_be_told_is_told_with_its_place(error):
    facts = describe(raised(error))["e"]

    assert facts["type"] == type(error).__qualname__
    assert "raise error" in facts["traceback"]
    json.dumps(facts)


class Hopeless(Exception):
    """One that lets nobody look at it."""

    def __getattribute__(self, name):
        raise SystemExit(name)

    def __str__(self):
        raise SystemExit("str")


def test_an_error_that_nobody_can_describe_is_a_failure_all_the_same():
    told = describe(Hopeless())

    assert (told["k"], told["e"]["type"]) == ("fail", "Exception")
    assert "cannot be described: SystemExit" in told["e"]["message"]


@pytest.mark.parametrize("after", [timedelta(seconds=1), "soon", object(), 10**400])
def test_a_time_of_retry_that_is_none_leaves_it_to_the_task(after):
    error = Retry("x")
    error.after = after

    told = describe(raised(error))

    assert (told["k"], told["after"]) == ("fail", None)
    json.dumps(told)


@pytest.mark.parametrize("message", ["a\0b", "\ud800", "x" * 100_000, "\ud800" * 10_000])
def test_what_is_said_of_an_error_is_text_that_every_database_keeps(message):
    facts = describe(raised(ValueError(message)))["e"]

    for text in facts.values():
        assert "\0" not in text
        text.encode()
    assert len(facts["message"]) <= MESSAGE_CHARS
    assert len(facts["traceback"]) <= TRACEBACK_CHARS


def test_a_long_traceback_keeps_its_end():
    facts = describe(raised(ValueError("x" * 2 * TRACEBACK_CHARS + "the end")))["e"]

    assert facts["traceback"].strip().endswith("the end")


def test_a_traceback_without_end_keeps_its_end():
    def deeper():
        deeper()

    try:
        deeper()
    except RecursionError as error:
        facts = describe(error)["e"]

    assert facts["traceback"].strip().endswith("maximum recursion depth exceeded")
    json.dumps(facts)


PACKED = packing.pack({1, 2})


@pytest.mark.parametrize("value", [PACKED, [PACKED], {"a": [{"b": (PACKED,)}]}])
def test_what_looks_like_a_python_object_is_no_result_of_a_task_that_makes_none(value):
    with pytest.raises(ResultInvalid, match=r"a result holds .*\$pickle.* codec"):
        encode_result(value)
    with pytest.raises(ResultInvalid, match=r"partial result 1 holds .*\$pickle"):
        Parts(1).encode(value)


def test_a_python_object_is_a_result_of_a_task_that_makes_some():
    assert json.loads(encode_result(PACKED, packed=True)) == PACKED
    assert json.loads(Parts(1, packed=True).encode(PACKED)["value"]) == PACKED


@pytest.mark.parametrize(
    "value",
    ["$pickle", ["$pickle"], {"$pickle": 1}, {"$pickle": "x", "also": 1}, '{"$pickle": ""}'],
)
def test_what_nobody_would_unpack_is_a_result_like_any_other(value):
    assert json.loads(encode_result(value)) == value
