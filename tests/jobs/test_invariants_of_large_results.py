import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.invariants import check_database
from jobs.services import submit_job

PAYLOADS = {"result", "item", "error", "kwargs"}


@pytest.mark.django_db
def test_no_check_groups_by_what_may_be_a_megabyte(redis):
    submit_job(task="demo.echo", items=[1], reduce="demo.echo")

    with CaptureQueriesContext(
        connection,
    ) as asked:
        check_database()

    groups = [query["sql"].partition("GROUP BY")[2] for query in asked]
    assert any(groups)
    assert not [name for group in groups for name in PAYLOADS if f'"{name}"' in group]
