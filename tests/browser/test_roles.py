"""What is offered to whom."""

import pytest

from tests.end_to_end.marks import Marks

VERBS = ("Cancel", "Pause", "Resume", "Drain", "Cordon", "Retry failed")


@pytest.fixture
def job(hive, tmp_path):
    """A job that goes on until the test is over."""
    marks = Marks(tmp_path / "marks")
    job = hive.submit("odd.hold", [str(marks.place)])["id"]
    marks.await_count(1)
    yield job
    marks.go()


def offered(visitor, path):
    """The verbs that a page offers."""
    visitor.open(path)
    visitor.rest()
    labels = {
        each.text
        for each in visitor.driver.find_elements("css selector", "main .button, main button")
    }
    return labels & set(VERBS)


def test_a_viewer_looks_and_is_offered_no_verb(visitor, job):
    visitor.log_in("viewer")

    pages = (f"/jobs/{job}/", "/nodes/spore-1/", "/queues/")

    assert [offered(visitor, path) for path in pages] == [set(), set(), set()]


def test_an_operator_is_offered_the_verbs(visitor, job):
    visitor.log_in("operator")

    assert offered(visitor, f"/jobs/{job}/") == {"Pause", "Cancel"}
    assert offered(visitor, "/nodes/spore-1/") == {"Drain", "Cordon"}
    assert offered(visitor, "/queues/") == {"Pause"}


def test_a_viewer_who_knows_the_address_of_a_verb_is_refused(visitor, job):
    visitor.expect("403 (Forbidden)")
    visitor.log_in("viewer")

    visitor.open(f"/jobs/{job}/cancel/")

    visitor.sees("Cancel takes the permission")
