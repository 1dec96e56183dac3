from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from hive_site.backups.settling import LEAST_STEPS, count_steps, settle
from jobs.models import Job, Subtask
from jobs.services import submit_job
from nodes.login_links import make_login_link
from nodes.models import Invite, Lease, LoginLink, NodeCredential
from ota.domain.trust import Untrusted
from ota.models import OtaEvent
from ota.trust import nexus
from tests.ota.trust.places import add_dev, node, path_of, refresh

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def now(nexus_data):
    return timezone.now()


def restore(now):
    return settle(now - HOUR, now)


def test_steps_outrun_what_grows_once_a_second(now):
    assert count_steps(now - HOUR, now) == LEAST_STEPS + 3600
    assert count_steps(now + HOUR, now) == LEAST_STEPS
    # An epoch has 31 bits, and this may happen more than once.
    assert count_steps(now - timedelta(days=36500), now) < 2**29


def test_the_next_leader_has_an_epoch_that_nobody_has_seen(now):
    Lease.objects.create(pk=1, holder="dead:1", epoch=7, expires_at=now + HOUR)

    restore(now)

    lease = Lease.objects.get()
    assert (lease.holder, lease.expires_at, lease.epoch) == ("", None, 7 + LEAST_STEPS + 3600)


def test_so_it_is_if_nobody_led_before_the_backup(now):
    restore(now)

    assert Lease.objects.get(pk=1).epoch == LEAST_STEPS + 3600


@pytest.mark.parametrize("before", [0, 3])
def test_no_subtask_gets_a_number_that_one_may_have_had(now, redis, before):
    for _ in range(before):
        submit_job(task="demo.echo", items=[1])
    newest = Subtask.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    restore(now)
    submit_job(task="demo.echo", items=[1])

    assert Subtask.objects.order_by("-pk").first().pk > newest + 3600 * 100_000


def test_nobody_is_let_in_by_what_was_used_up(now):
    make_login_link("http://nexus")
    Session.objects.create(session_key="k", session_data="", expire_date=now + HOUR)

    restore(now)

    assert (LoginLink.objects.count(), Session.objects.count()) == (0, 0)
    assert get_user_model().objects.count() == 1


def test_an_invitation_of_then_lets_nobody_join(now):
    Invite.objects.create(digest="d", expires_at=now + HOUR)

    restore(now)

    assert not Invite.objects.exists()


def test_whose_keys_came_back_is_told(now):
    NodeCredential.objects.create(name="gone", generation=2, revoked_at=now)
    assert not any("machines that joined" in line for line in restore(now))
    NodeCredential.objects.create(name="far", generation=2)

    told = restore(now)

    assert any(line.startswith("1 machines that joined") for line in told)


def test_what_runs_at_most_once_waits_for_an_operator(now, redis):
    plain = submit_job(task="demo.echo", items=[1])
    once = submit_job(task="demo.echo", items=[1])
    child = submit_job(task="demo.echo", items=[1], depends_on=[once.id])
    Job.objects.filter(pk__in=[once.id, child.id]).update(at_most_once=True)

    told = restore(now)

    states = dict(Job.objects.values_list("pk", "state"))
    assert states == {plain.id: "queued", once.id: "paused", child.id: "cancelled"}
    assert [line.split()[:3] for line in told] == [
        [once.id, "is", "paused:"],
        [child.id, "is", "cancelled:"],
    ]


def test_nodes_that_saw_later_signatures_listen_again(now, tmp_path):
    desk = nexus.open_repository()
    desk.ensure(now)
    backup = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*.json")}
    store = node(tmp_path, desk)
    for seq in range(1, 4):
        add_dev(desk, seq, f"1.{seq}", now)
    refresh(store, desk, now)
    for path, data in backup.items():
        path.write_bytes(data)
    with pytest.raises(Untrusted) as fact:
        refresh(store, desk, now)
    assert fact.value.code == "rollback"

    assert restore(now) == []

    add_dev(desk, 9, "2.0", now)
    refresh(store, desk, now)
    assert store.find(path_of("dev", 9, "2.0")).length == 100


def test_a_nexus_without_its_keys_says_what_to_do(now, tmp_path):
    desk = nexus.open_repository()
    desk.ensure(now)
    for key in desk.keys.folder.glob("timestamp-*.pem"):
        key.unlink()

    [told] = restore(now)

    assert "ota keys rotate timestamp" in told


def test_it_is_on_record(now):
    restore(now)

    assert OtaEvent.objects.get(what="restored").reason.startswith("from a backup of ")
