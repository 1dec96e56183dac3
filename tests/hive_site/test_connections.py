import pytest
from django.db import connection

from tests.conftest import client_with


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_nobody_has_read_yet_holds_no_connection(redis):
    client = client_with("read", "submit")
    job = client.post("/api/v1/jobs/", {"task": "demo.echo", "items": [1]}, format="json").json()

    answer = client.get(f"/api/v1/jobs/{job['id']}/events/")

    assert (answer.status_code, answer.streaming) == (200, True)
    assert connection.connection is None
    answer.close()
