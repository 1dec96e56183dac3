"""The courier with a fake road: what it claims, sends, and writes down."""

import threading
from datetime import timedelta
from random import Random

import pytest
from django.db import OperationalError
from django.utils import timezone

from jobs.domain.delivery import BACKOFF_SECONDS
from jobs.models import Delivery
from jobs.webhooks import courier as module
from jobs.webhooks.courier import AT_ONCE, AT_ONCE_PER_HOST, KEPT, LEASE, Courier
from jobs.webhooks.sending import Receipt
from tests.jobs.webhooks.receiver import wait_until

pytestmark = pytest.mark.django_db


class Road:
    """Where parcels go: answered with `status`, once the gate is open."""

    def __init__(self) -> None:
        self.parcels, self.gate = [], threading.Event()
        self.gate.set()
        self.told = {"status": 204}

    def send(self, parcel):
        self.parcels.append(parcel)
        self.gate.wait(20)
        if isinstance(self.told, Exception):
            raise self.told
        return Receipt(parcel, **self.told)


@pytest.fixture
def road():
    road = Road()
    yield road
    road.gate.set()


@pytest.fixture
def courier(road):
    return Courier(road.send, random=Random(1))


def due(number=1, **columns):
    defaults = {
        "job": f"job_{number}",
        "round": 1,
        "url": "https://a.example/",
        "host": "a.example",
    }
    return Delivery.objects.create(id=f"msg_{number:03}", body="{}", **{**defaults, **columns})


def settle(courier, now=None):
    """Steps until everything that is under way was written down."""
    now = now or timezone.now()
    courier.step(now)
    wait_until(lambda: courier.step(now) and not courier._under_way)


def test_what_is_delivered_is_over_and_its_body_goes(courier, road):
    row = due()

    settle(courier)
    settle(courier)

    row.refresh_from_db()
    assert (row.state, row.status, row.tries, row.body) == ("delivered", 204, 1, "")
    assert len(road.parcels) == 1


def test_what_fails_is_tried_again_later_under_the_same_id(courier, road):
    row, now = due(), timezone.now()
    road.told = {"status": 503}
    settle(courier, now)
    settle(courier, now + timedelta(seconds=1))
    row.refresh_from_db()
    first = (row.state, row.status, row.tries, len(road.parcels))

    road.told = {"status": 200}
    settle(courier, now + timedelta(seconds=7))

    row.refresh_from_db()
    assert first == ("pending", 503, 1, 1)
    assert [(p.id, p.tries) for p in road.parcels] == [(row.pk, 1), (row.pk, 2)]
    assert row.state == "delivered"


def test_after_the_last_try_it_has_failed_and_keeps_its_body(courier, road):
    row = due(tries=len(BACKOFF_SECONDS))
    road.told = {"status": None, "error": "nobody\0there\ud800"}

    settle(courier)

    row.refresh_from_db()
    assert (row.state, row.body, row.error) == ("failed", "{}", "nobody there ")


@pytest.mark.parametrize("told", [{"status": 410}, {"refused": True, "error": "not public"}])
def test_who_is_gone_or_may_not_be_asked_is_not_tried_again(courier, road, told):
    row = due()
    road.told = told

    settle(courier)

    row.refresh_from_db()
    assert row.state == "failed"


def test_a_sender_that_breaks_is_a_try_that_failed(courier, road):
    row = due()
    road.told = ZeroDivisionError("oops")

    settle(courier)

    row.refresh_from_db()
    assert (row.state, row.error) == ("pending", "ZeroDivisionError: oops")


def test_a_parcel_without_a_thread_is_a_try_that_failed(courier, road, monkeypatch):
    row, now = due(), timezone.now()

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        courier.step(now)
    courier.step(now)
    row.refresh_from_db()
    first = (row.state, row.tries, row.error)
    settle(courier, now + timedelta(seconds=7))

    row.refresh_from_db()
    assert first == ("pending", 1, "RuntimeError: can't start new thread")
    assert (row.state, row.tries) == ("delivered", 2)


def test_two_couriers_do_not_send_the_same(courier, road):
    due()
    other = Courier(road.send)
    now = timezone.now()

    courier.step(now)
    other.step(now)

    assert len(road.parcels) == 1


def test_what_a_dead_courier_carried_is_sent_again_when_its_lease_is_over(road):
    due()
    road.gate.clear()
    now = timezone.now()
    Courier(road.send).step(now)
    heir = Courier(road.send)

    heir.step(now + LEASE - timedelta(seconds=1))
    early = len(road.parcels)
    heir.step(now + LEASE)

    wait_until(lambda: len(road.parcels) == 2)
    assert early == 1
    assert road.parcels[0].id == road.parcels[1].id


@pytest.mark.parametrize(("status", "state"), [(500, "pending"), (204, "delivered")])
def test_a_late_receipt_of_an_older_try_counts_if_it_was_delivered(courier, road, status, state):
    row = due()
    road.gate.clear()
    road.told = {"status": status}
    now = timezone.now()
    courier.step(now)
    Delivery.objects.update(tries=2)
    road.gate.set()
    wait_until(lambda: courier.step(now) and not courier._under_way)

    row.refresh_from_db()
    assert (row.state, row.tries) == (state, 2)


def test_a_try_that_lasts_longer_than_its_lease_is_one_try(courier, road):
    row, now = due(), timezone.now()
    road.gate.clear()
    road.told = {"status": None, "error": "OSError: slow name server"}
    other = Courier(road.send)
    for second in range(60):
        courier.step(now + timedelta(seconds=second))
        other.step(now + timedelta(seconds=second))

    road.gate.set()
    settle(courier, now + timedelta(seconds=60))

    row.refresh_from_db()
    assert ([parcel.tries for parcel in road.parcels], row.tries) == ([1], 1)
    assert (row.state, row.error) == ("pending", "OSError: slow name server")
    assert row.next_at > now + timedelta(seconds=60)


def test_a_courier_that_fell_asleep_does_not_send_beside_its_own_try(courier, road):
    due()
    road.gate.clear()
    now = timezone.now()

    courier.step(now)
    courier.step(now + 3 * LEASE)

    assert len(road.parcels) == 1


def test_a_slow_host_holds_up_nobody_else(courier, road):
    for number in range(20):
        due(number)
    due(99, host="b.example", next_at=timezone.now())
    road.gate.clear()
    now = timezone.now() + timedelta(seconds=1)

    while courier.step(now) == 0.0:
        pass

    hosts = [parcel.host for parcel in road.parcels]
    assert (hosts.count("a.example"), hosts.count("b.example")) == (AT_ONCE_PER_HOST, 1)


def test_no_more_is_under_way_than_is_allowed(courier, road):
    for number in range(20):
        due(number, host=f"{number}.example")
    road.gate.clear()

    courier.step(timezone.now())

    assert len(courier._under_way) == AT_ONCE


def test_an_outage_loses_no_receipt(courier, road, monkeypatch):
    row, now = due(), timezone.now()
    courier.step(now)
    plain = courier._settle

    def locked(receipt, at):
        raise OperationalError("database is locked")

    monkeypatch.setattr(courier, "_settle", locked)
    wait_until(lambda: not courier._receipts.empty())
    with pytest.raises(OperationalError):
        courier.step(now)
    monkeypatch.setattr(courier, "_settle", plain)
    settle(courier, now)

    row.refresh_from_db()
    assert row.state == "delivered"


def test_what_ended_long_ago_is_forgotten(courier):
    now = timezone.now()
    due(1, state="failed", ended_at=now - KEPT - timedelta(days=1))
    due(2, state="delivered", ended_at=now - KEPT + timedelta(days=1))
    due(3, next_at=now + timedelta(days=1), created_at=now - KEPT * 2)

    courier.step(now)

    assert sorted(Delivery.objects.values_list("job", flat=True)) == ["job_2", "job_3"]


@pytest.mark.parametrize("error", [OperationalError, OverflowError])
def test_it_goes_on_after_whatever_happened_until_it_is_stopped(road, monkeypatch, error):
    stop, steps = threading.Event(), []
    courier = Courier(road.send)
    monkeypatch.setattr(module, "LOOK_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(module, "REST_AFTER_BREAKING_SECONDS", 0.001)

    def step(now):
        steps.append(now)
        if len(steps) == 1:
            raise error("gone")
        stop.set()
        return 0.0

    monkeypatch.setattr(courier, "step", step)
    courier.run(stop)

    assert len(steps) == 2


def test_it_stops_soon_though_something_is_under_way(courier, road, monkeypatch):
    due()
    road.gate.clear()
    courier.step(timezone.now())
    stop = threading.Event()
    monkeypatch.setattr(module, "LOOK_EVERY_SECONDS", 0.001)
    resting = threading.Thread(target=courier.rest, args=(60, stop), daemon=True)

    resting.start()
    stop.set()
    resting.join(10)

    assert not resting.is_alive()
