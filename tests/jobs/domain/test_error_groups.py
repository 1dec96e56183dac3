"""Many failures as few kinds of them."""

from datetime import UTC, datetime, timedelta

from jobs.domain.error_groups import NAMED, Failure, group

NOON = datetime(2030, 1, 31, 12, tzinfo=UTC)


def failure(index: int = 0, **fields: object) -> Failure:
    plain = {
        "type": "ValueError",
        "message": "no bees\nat all",
        "traceback": "…",
        "node": "spore-1",
    }
    at = NOON - timedelta(seconds=index)
    return Failure(**{**plain, "index": index, "at": at, "outcome": "failed", **fields})


def test_the_same_exception_with_the_same_first_line_is_one_group():
    groups = group(
        [failure(0), failure(1, message="no bees\nelsewhere"), failure(2, type="OSError")]
    )

    assert [(one.type, one.line, one.count) for one in groups] == [
        ("ValueError", "no bees", 2),
        ("OSError", "no bees", 1),
    ]


def test_a_group_says_from_when_to_when_and_where():
    (one,) = group([failure(0), failure(5, node="spore-2"), failure(9)])

    assert (one.first, one.last) == (NOON - timedelta(seconds=9), NOON)
    assert one.nodes == {"spore-1": 2, "spore-2": 1}


def test_a_group_names_the_newest_subtasks_each_once_and_not_all():
    (one,) = group([failure(0), failure(0), *map(failure, range(1, 50))])

    assert list(one.indexes) == list(range(NAMED))
    assert one.count == 51
    assert one.unnamed


def test_two_tries_of_one_subtask_are_no_others():
    (one,) = group([failure(3), failure(3)])

    assert (one.count, list(one.indexes), one.unnamed) == (2, [3], False)


def test_an_error_that_says_nothing_is_a_group_as_well():
    (one,) = group([failure(message=" \n ")])

    assert one.line == ""
