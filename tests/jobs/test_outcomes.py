"""What a task may raise to say how its failure is taken."""

import math
from datetime import timedelta

import pytest

from jobs.outcomes import Retry, TaskCancelled, TaskTimeout


@pytest.mark.parametrize("after", [None, 0, 0.5, 3600, -1])
def test_a_retry_says_when(after):
    assert Retry("busy", after=after).after == after


@pytest.mark.parametrize("after", [math.nan, math.inf, 1e300, "soon", timedelta(seconds=5), [1]])
def test_a_time_that_is_no_time_is_refused_where_it_is_written(after):
    with pytest.raises(ValueError, match="give seconds"):
        Retry("busy", after=after)


@pytest.mark.parametrize("kind", [TaskTimeout, TaskCancelled])
def test_the_end_of_a_task_is_no_exception_that_it_might_catch(kind):
    assert not issubclass(kind, Exception)
