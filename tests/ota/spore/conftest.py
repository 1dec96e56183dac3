"""What tests of a node's updates may ask for."""

import pytest

from tests.ota.spore.desk import open_desk


@pytest.fixture
def desk():
    with open_desk() as found:
        yield found
