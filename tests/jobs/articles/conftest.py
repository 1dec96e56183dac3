import pytest

from tests.jobs.articles.site import serve


@pytest.fixture(scope="module")
def site():
    """The address of a web site on this machine, that is, a private one."""
    with serve() as port:
        yield f"http://127.0.0.1:{port}"
