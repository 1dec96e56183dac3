import pytest
from django.db import OperationalError, ProgrammingError

from hive_site.management.dispatcher import explain


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            ProgrammingError('relation "x" does not exist\nLINE 1: INSERT INTO x\n    ^'),
            'database: relation "x" does not exist; ',
        ),
        (OperationalError(), "database: OperationalError; "),
    ],
)
def test_what_a_database_says_is_told_in_one_line(error, reason):
    message, code = explain(error)

    assert message.startswith(reason)
    assert (code, len(message.splitlines())) == (1, 1)
