import pytest

from tests.jobs.webhooks.receiver import receiving


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found
