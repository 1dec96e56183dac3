import pytest

from ota.chain import append_events, broken_links
from ota.models import OtaEvent

pytestmark = pytest.mark.django_db


def tell(*words: str) -> None:
    for what in words:
        OtaEvent.objects.create(what=what, who="ann")
    append_events()


def test_events_are_appended_in_order_and_once():
    tell("created", "running")
    tell("paused")

    assert append_events() == 0
    assert list(OtaEvent.objects.order_by("place").values_list("what", "place")) == [
        ("created", 1),
        ("running", 2),
        ("paused", 3),
    ]
    assert not list(broken_links())


@pytest.mark.parametrize("change", [{"who": "bob"}, {"what": "aborted"}, {"hash": "0" * 64}])
def test_an_event_that_was_changed_breaks_the_chain(change):
    tell("created", "running", "paused")

    OtaEvent.objects.filter(place=2).update(**change)

    assert next(broken_links()).place in (2, 3)


def test_an_event_that_was_taken_out_breaks_the_chain():
    tell("created", "running", "paused")

    OtaEvent.objects.filter(place=2).delete()

    assert [event.place for event in broken_links()] == [3]
