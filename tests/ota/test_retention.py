from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from ota.chain import append_events, broken_links
from ota.invariants import check_updates
from ota.models import Answered, ChainAnchor, OtaEvent
from ota.retention import count_due, forget_answered, forget_events, unattested

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def now(settings):
    settings.HIVE = replace(settings.HIVE, audit_ttl=int(10 * DAY.total_seconds()))
    return timezone.now()


def tell(now, *ages):
    """Events so many days old, in the chain."""
    for age in ages:
        OtaEvent.objects.create(what="created", at=now - age * DAY)
    append_events()


def places():
    return list(OtaEvent.objects.order_by("place").values_list("place", flat=True))


def test_nothing_goes_before_its_time(now):
    tell(now, 9, 8)

    assert forget_events(now, 100) == 0
    assert (places(), ChainAnchor.objects.count()) == ([1, 2], 0)


def test_the_oldest_go_and_the_chain_holds_from_there(now):
    tell(now, 30, 20, 9, 1)

    assert forget_events(now, 100) == 2
    append_events()

    assert places() == [3, 4, 5]
    assert OtaEvent.objects.get(place=5).what == "forgotten"
    assert not list(check_updates())


def test_it_goes_on_a_little_at_a_time_and_the_chain_holds_at_every_step(now):
    tell(now, *range(40, 11, -1))

    for left in (19, 9, 0):
        assert forget_events(now, 10) > 0
        append_events()
        assert OtaEvent.objects.filter(what="created").count() == left
        assert not list(check_updates())
    assert forget_events(now, 10) == 0


def test_one_that_is_young_keeps_all_behind_it(now):
    tell(now, 30, 1, 30)

    assert forget_events(now, 100) == 1
    assert count_due(now)["update events"] == 0


def test_what_has_no_place_yet_does_not_go(now):
    OtaEvent.objects.create(what="created", at=now - 30 * DAY)

    assert forget_events(now, 100) == 0


def test_the_chain_goes_on_though_all_of_it_went(now):
    tell(now, 30, 20)
    forget_events(now, 100)
    OtaEvent.objects.filter(place=None).update(at=now)

    tell(now, 0)

    assert places() == [3, 4]
    assert not list(check_updates())


@pytest.mark.parametrize("taken", [3, 4])
def test_taking_out_one_more_is_seen(now, taken):
    tell(now, 30, 20, 9, 1, 0)
    forget_events(now, 100)
    append_events()

    OtaEvent.objects.filter(place=taken).delete()

    assert list(broken_links())


def test_whoever_moves_the_anchor_is_seen(now):
    tell(now, 30, 20, 9, 1, 0)
    forget_events(now, 100)
    append_events()
    first = OtaEvent.objects.get(place=3)

    first.delete()
    ChainAnchor.objects.update(place=3, hash=first.hash)

    assert not list(broken_links())
    assert unattested() is not None
    assert [rule for rule, _, _ in check_updates()] == ["I16"]


def test_of_two_at_once_the_second_does_nothing(now, monkeypatch):
    tell(now, 30, 20)
    stale = ChainAnchor.objects.create(pk=1)
    forget_events(now, 1)
    monkeypatch.setattr(
        ChainAnchor.objects.__class__, "get_or_create", lambda self, **_: (stale, False)
    )

    assert forget_events(now, 1) == 0
    assert OtaEvent.objects.filter(what="created").count() == 1


def test_keys_that_nobody_sends_again_go(now):
    for name, age in (("old", 2), ("new", 0)):
        Answered.objects.create(caller="ann", key=name, created_at=now - age * DAY)

    assert forget_answered(now, 100) == 1
    assert Answered.objects.get().key == "new"
