"""Bytes become text, whatever a page says of its charset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.articles.decoding import decode


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-8-sig", "latin-1", "cp1252"])
def test_the_headers_charset_is_used(charset):
    assert decode("Bär".encode(charset), charset=charset) == "Bär"


def test_a_page_may_name_its_charset_itself():
    page = '<html><head><meta charset="windows-1251"></head>мёд'

    assert decode(page.encode("cp1251")).endswith("мёд")


def test_the_header_knows_better_than_the_page():
    assert decode("<meta charset=latin-1>ä".encode(), charset="utf-8").endswith(">ä")


def test_a_byte_order_mark_knows_best():
    assert decode("\ufeffBär".encode("utf-16-le"), charset="utf-8") == "Bär"


def test_without_a_word_it_is_utf_8_or_else_what_windows_writes():
    assert decode("„Bär“".encode()) == "„Bär“"
    assert decode("„Bär“".encode("cp1252")) == "„Bär“"


@pytest.mark.parametrize("charset", ["bees-8", "zip", "base64", "undefined"])
def test_a_charset_that_nobody_knows_is_passed_over(charset):
    assert decode("Bär".encode(), charset=charset) == "Bär"


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "ascii", "utf-16", "shift_jis"]))
def test_any_bytes_become_text_that_a_database_keeps(body, charset):
    text = decode(body, charset=charset)

    assert "\0" not in text
    text.encode()
