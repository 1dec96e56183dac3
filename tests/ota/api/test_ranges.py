import pytest

from ota.api.ranges import Span, Unsatisfiable, is_known, is_same, read_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-0", Span(0, 1)),
        ("bytes=2-5", Span(2, 6)),
        ("BYTES=2-5", Span(2, 6)),
        ("bytes=2-", Span(2, 10)),
        ("bytes=2-99", Span(2, 10)),
        ("bytes=9-", Span(9, 10)),
        ("bytes=-3", Span(7, 10)),
        ("bytes=-99", Span(0, 10)),
    ],
)
def test_a_range_is_a_part_of_the_file(header, span):
    assert read_range(header, 10) == span


@pytest.mark.parametrize(
    "header",
    [None, "", "bytes=-", "bytes=5-2", "bytes=1-2,4-5", "lines=1-2", "bytes=a-b", "bytes=1"],
)
def test_what_is_no_range_means_the_whole(header):
    assert read_range(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_what_lies_behind_the_end_cannot_be_had(header):
    with pytest.raises(Unsatisfiable):
        read_range(header, 10)


def test_nothing_can_be_had_of_an_empty_file():
    with pytest.raises(Unsatisfiable):
        read_range("bytes=-1", 0)


def test_a_span_is_told_as_the_header_wants_it():
    assert Span(2, 6).of(10) == "bytes 2-5/10"


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ("*", True),
        ('"b"', False),
        (None, False),
    ],
)
def test_what_a_caller_has_is_known_by_its_etag(header, known):
    assert is_known(header, '"a"') is known


@pytest.mark.parametrize(
    ("header", "same"),
    [(None, True), ('"a"', True), ('W/"a"', False), ("Wed, 21 Oct 2026 07:28:00 GMT", False)],
)
def test_a_download_goes_on_only_with_the_same_bytes(header, same):
    assert is_same(header, '"a"') is same
