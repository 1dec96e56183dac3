"""Positions say all about a follower, and pages cut anywhere tell everything once, in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.following import MOST, Kind, Position, Reading, Record, merge

positions = st.builds(
    Position, st.integers(1, 6), st.sampled_from([int(kind) for kind in Kind]), st.integers(1, 9)
)
everything = st.sets(positions, max_size=40)


def test_a_position_is_written_as_three_numbers():
    assert str(Position(4294967297, Kind.RESULT, 17)) == "4294967297.3.17"


@given(st.builds(Position, st.integers(0, MOST), st.integers(0, 9), st.integers(0, MOST)))
def test_what_is_written_can_be_read(position):
    assert Position.parse(str(position)) == position


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.22.3", "-1.2.3", " 1.2.3", "1.2.3\n", "١.٢.٣"]
)
def test_nothing_else_is_a_position(text):
    with pytest.raises(ValueError, match="is no position"):
        Position.parse(text)


def test_a_number_that_no_database_counts_to_is_none():
    with pytest.raises(ValueError, match="is no position"):
        Position.parse(f"{MOST + 1}.1.1")


def select(rows, kind, after, most):
    """What a database gives for a kind: rows behind a position, at most so many."""
    seq, key = after.behind(kind)
    mine = sorted(row for row in rows if row.rank == kind)
    found = [row for row in mine if row.seq >= seq and (row.seq > seq or row.key > key)]
    records = [Record(row, "") for row in found[:most]]
    return Reading(records, whole=len(found) <= most)


@given(everything, positions)
def test_the_rows_behind_a_position_are_those_that_come_later(rows, after):
    found = [record.position for kind in Kind for record in select(rows, kind, after, 99).records]

    assert sorted(found) == sorted(row for row in rows if row > after)


@given(everything, st.integers(1, 4))
def test_page_after_page_tells_everything_once_and_in_order(rows, most):
    told, after, whole = [], Position(), False
    while not whole:
        page = merge([select(rows, kind, after, most) for kind in Kind])
        whole = page.whole
        told += [record.position for record in page.records]
        assert page.records or whole
        after = told[-1] if told else after

    assert told == sorted(rows)
