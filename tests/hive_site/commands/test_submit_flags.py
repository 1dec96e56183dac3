from argparse import ArgumentTypeError

import pytest

from hive_site.kernel.arguments import seconds


def test_a_time_to_wait_is_a_number_of_seconds():
    assert [seconds(text) for text in ("0", "30", "1.5")] == [0, 30, 1.5]


@pytest.mark.parametrize("text", ["-5", "nan", "inf", "soon", ""])
def test_what_is_no_time_to_wait_is_refused_with_the_rule(text):
    with pytest.raises(ArgumentTypeError, match="give a number of seconds, 0 or more"):
        seconds(text)
