"""The list of rollouts: what is under way, and which release runs where."""

import html

import pytest
from django.utils import timezone

from hive_site.kernel.errors import NotFound
from hive_site.pages import rollouts as page_of
from ota.models import Home, Rollout
from tests.hive_site.pages.cast import markup_of
from tests.ota.cast import make_release
from tests.people import browser_of

pytestmark = pytest.mark.django_db
PAGE = "/rollouts/"
NASTY = '"><script>alert(1)</script>'


@pytest.fixture
def operator(redis):
    return browser_of("operator")


def make_rollouts(count: int) -> list[Rollout]:
    release = make_release()
    return [Rollout.objects.create(pk=f"rollout_{n:03}", release=release) for n in range(count)]


def test_a_new_hive_teaches_how_to_release(operator):
    page = markup_of(operator.get(PAGE))

    for command in ("ota build", "ota publish", "ota rollout", "manage.py hive up"):
        assert command in page


def test_with_a_release_and_no_rollout_the_next_command_is_named(operator):
    make_release("1.4.2")

    page = markup_of(operator.get(PAGE))

    assert "ota rollout 1.4.2" in page
    assert "ota build" not in page


def test_a_release_is_rolled_out_with_the_admins_form(operator):
    make_release("1.4.2+linux")

    assert "/admin/ota/rollout/add/?release=1.4.2%2Blinux" in markup_of(operator.get(PAGE))


def test_who_may_only_look_is_offered_no_form(redis):
    make_release()

    assert "/admin/ota/rollout/add/" not in markup_of(browser_of("viewer").get(PAGE))


def test_a_yanked_release_is_not_offered(operator):
    release = make_release("1.4.2")
    release.state = "yanked"
    release.save()

    assert "1.4.2" not in markup_of(operator.get(PAGE))


def test_a_rollout_is_told_with_its_waves_its_counts_and_why(cluster, operator):
    rollout = cluster.roll_out(make_release("1.4.2"))
    reason = "error_threshold: 1 of 1 nodes of the first wave failed"
    Rollout.objects.filter(pk=rollout.pk).update(state="paused", reason=reason)

    page = markup_of(operator.get(PAGE))

    assert f'href="/rollouts/{rollout.pk}/"' in page
    assert "wave 1: 1 node, " in page
    assert "wave 2: 4 nodes, " in page
    assert ">1 of 1 nodes of the first wave failed<" in page
    assert 'title="staging"' in page or 'title="pending"' in page


def test_older_ones_are_on_the_next_page(operator):
    rows = make_rollouts(page_of.SHOWN + 2)

    first = markup_of(operator.get(PAGE))
    second = markup_of(operator.get(PAGE, {"before": rows[2].pk}))

    assert rows[-1].pk in first
    assert rows[1].pk not in first
    assert f"?before={rows[2].pk}" in first
    assert rows[1].pk in second
    assert rows[2].pk not in second.split("<tbody")[2]


@pytest.mark.parametrize("before", ["\0", "a" * 5000, "' or 1=1 --", "🐝"])
def test_a_nasty_page_is_only_one_without_rows(operator, before):
    make_rollouts(1)

    assert operator.get(PAGE, {"before": before}).status_code == 200


def test_nodes_are_counted_by_what_they_run(cluster, operator):
    cluster.roll_out(make_release("1.4.2"))
    Home.objects.filter(node="spore-0").update(active_version="1.4.2")
    Home.objects.exclude(node="spore-0").update(active_version="1.4.1")

    page = markup_of(operator.get(PAGE))

    assert "<strong>1.4.1</strong> <small>4 nodes, 80 %" in page
    assert "<strong>1.4.2</strong> <small>1 node, 20 %" in page


def test_over_so_many_nodes_only_numbers_are_shown(cluster, operator, monkeypatch):
    monkeypatch.setattr(page_of, "MOST_CELLS", 4)

    page = markup_of(operator.get(PAGE))

    assert "5 nodes, 100 %" in page
    assert 'class="cell"' not in page


def test_nasty_reasons_and_labels_are_shown_as_text(operator):
    (rollout,) = make_rollouts(1)
    nasty = {"reason": NASTY, "created_by": NASTY, "selector": {NASTY: NASTY}}
    Rollout.objects.filter(pk=rollout.pk).update(state="paused", **nasty)

    page = markup_of(operator.get(PAGE))

    assert NASTY not in page
    assert html.escape(NASTY) in page


def test_alarms_of_keys_are_told_once_for_all_roles(operator, monkeypatch):
    alarm = "its key lies here; `ota keys init` moves it"
    alarms = [{"role": role, "alarm": alarm} for role in ("root", "targets")]
    monkeypatch.setattr(page_of, "trust_alarms", lambda now: alarms)

    page = markup_of(operator.get(PAGE))

    assert "<strong>root, targets</strong>" in page
    assert "<code>ota keys init</code>" in page


@pytest.mark.parametrize("error", [OSError("disk <gone>"), NotFound("no metadata")])
def test_keys_that_cannot_be_read_are_an_alarm_too(operator, monkeypatch, error):
    def broken(now):
        raise error

    monkeypatch.setattr(page_of, "trust_alarms", broken)

    assert "it cannot be read" in markup_of(operator.get(PAGE))


def test_without_a_foreman_the_page_says_that_nothing_is_decided(operator):
    make_rollouts(1)

    assert "No Foreman leads." in markup_of(operator.get(PAGE))


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({}, "healthy"),
        ({"phase": "trial"}, "activating"),
        ({"phase": "safe"}, "failed"),
        ({"reported_at": None}, "skipped"),
        ({"report": {"attempt": {"state": "failed", "reason": "the probe failed"}}}, "failed"),
    ],
)
def test_a_node_has_the_colour_of_what_it_does(operator, facts, state):
    known = {"active_version": "1.0", "reported_at": timezone.now(), "phase": "idle"}
    Home.objects.create(node="spore-1", **{**known, **facts})

    page = markup_of(operator.get(PAGE))

    assert f'class="cell" data-state="{state}" href="/nodes/spore-1/"' in page
