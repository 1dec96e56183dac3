"""The page of one rollout: its waves, what guards it, its verbs, what happened."""

import html
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from hive_site.pages import rollout as page_of
from jobs.models import Job, Subtask
from jobs.services import submit_job
from ota.domain.strategies import Terms
from ota.models import Deployment, OtaEvent, Rollout
from tests.hive_site.pages.cast import markup_of
from tests.ota.cast import make_release
from tests.people import browser_of

pytestmark = pytest.mark.django_db
NASTY = '"><script>alert(1)</script>'


@pytest.fixture
def operator(redis):
    return browser_of("operator")


@pytest.fixture
def rollout(cluster):
    return cluster.roll_out(make_release("1.4.2"))


def look(browser, rollout) -> str:
    return markup_of(browser.get(f"/rollouts/{rollout.pk}/"))


def verbs_on(page: str, rollout) -> list[str]:
    return re.findall(rf"/rollouts/{rollout.pk}/(\w+)/", page)


def test_every_node_is_a_cell_of_its_wave(rollout, operator):
    page = look(operator, rollout)

    first, second = page.split('data-wave="1"')[0], page.split('data-wave="1"')[1]
    assert first.count("data-node=") == 1
    assert second.count("data-node=") == 4
    assert len(re.findall(r'href="/nodes/spore-\d/"', page)) >= 5


def test_a_cell_says_how_far_its_node_is_and_why(cluster, rollout, operator):
    node = Deployment.objects.filter(rollout=rollout).first()
    Deployment.objects.filter(pk=node.pk).update(state="failed", reason="the probe failed")

    page = look(operator, rollout)

    assert f'title="{node.node}: failed: the probe failed"' in page


def test_a_wave_of_too_many_nodes_is_told_in_numbers(rollout, operator, monkeypatch):
    monkeypatch.setattr(page_of, "MOST_CELLS", 3)

    page = look(operator, rollout)

    assert page.count("data-node=") == 1
    assert "data-wave-counts" in page
    assert "4 pending" in page or "4 staging" in page


def test_a_running_rollout_is_paused_aborted_or_brought_back(rollout, operator):
    assert verbs_on(look(operator, rollout), rollout) == ["pause", "abort", "rollback"]


def test_a_draft_is_started_or_aborted(cluster, operator):
    draft = cluster.roll_out(make_release(), begin=False)

    page = look(operator, draft)

    assert verbs_on(page, draft) == ["start", "abort"]
    assert "Nothing is measured before it is started" in page


def test_who_may_only_look_is_offered_no_verb(rollout):
    assert verbs_on(look(browser_of("viewer"), rollout), rollout) == []


def test_rolling_back_asks_how_many_nodes_go_back(cluster, rollout, operator):
    cluster.play()

    page = markup_of(operator.get(f"/rollouts/{rollout.pk}/rollback/"))

    assert "Going back to what they ran before, all at once: 5 nodes." in page


def test_a_failed_canary_is_told_with_its_guard_and_its_reason(cluster, operator):
    release = make_release("1.4.2")
    for node in cluster.nodes.values():
        node.fails[release.sha256] = "rolled_back"
    rollout = cluster.roll_out(release)
    cluster.play()

    page = look(operator, rollout)

    assert "1 of 1 nodes of the first wave failed" in page
    assert '<span class="state" data-state="failed">1 of 1</span>' in page
    assert "the probe failed" in page
    assert verbs_on(page, rollout) == ["resume", "abort", "rollback"]


def test_the_release_is_told_with_who_signed_it(rollout, operator):
    rollout.release.signed_by = ["0123456789abcdef"]
    rollout.release.published_by = "ann"
    rollout.release.save()

    page = look(operator, rollout)

    assert 'title="0123456789abcdef">0123456789ab<' in page
    assert "by ann" in page
    assert rollout.release.sha256 in page
    assert f"/admin/ota/release/{rollout.release.pk}/change/" in page


def test_what_happened_is_told_with_who_and_why(cluster, rollout, operator):
    cluster.move(rollout, "pause")

    page = look(operator, rollout)

    assert re.search(r'data-state="paused">paused</span>.*?data-f="who">ann<', page, re.DOTALL)
    assert ">somebody paused it<" in page


def finish(job: Job, index: int, state: str, node: str) -> None:
    rows = Subtask.objects.filter(job=job, index=index)
    rows.update(state=state, node=node, finished_at=timezone.now(), seq=index + 1)


def test_work_on_the_new_release_is_set_against_work_on_the_old(cluster, rollout, operator):
    before = timezone.now() - timedelta(minutes=5)
    Rollout.objects.filter(pk=rollout.pk).update(started_at=before)
    canary = Deployment.objects.get(rollout=rollout, wave=0)
    Deployment.objects.filter(pk=canary.pk).update(state="healthy", changed_at=before)
    job = submit_job(task="demo.echo", items=[1, 2, 3])
    Job.objects.filter(pk=job.pk).update(started_at=before)
    finish(job, 0, "succeeded", canary.node)
    finish(job, 1, "failed", canary.node)
    finish(job, 2, "succeeded", "spore-old")

    new, old = page_of.compare_work(Rollout.objects.get(pk=rollout.pk))

    assert (new["release"], new["ended"], new["failed"]) == ("1.4.2", 2, 0.5)
    assert (old["ended"], old["failed"]) == (1, 0.0)
    assert "1.4.2, the new release" in look(operator, rollout)


def test_without_work_there_is_nothing_to_compare_by(rollout, operator):
    assert "No work ended since it began" in look(operator, rollout)


def test_a_rollout_that_nobody_needs_says_why_it_has_no_waves(operator, redis):
    release = make_release()
    terms = Terms().write()
    rollout = Rollout.objects.create(release=release, state="succeeded", terms=terms)

    page = look(operator, rollout)

    assert "runs the release already" in page
    assert "Nothing is measured" in page


def test_nasty_texts_are_shown_as_text(rollout, operator):
    Rollout.objects.filter(pk=rollout.pk).update(reason=NASTY, selector={NASTY: NASTY})
    Deployment.objects.filter(rollout=rollout).update(reason=NASTY)
    OtaEvent.objects.filter(rollout=rollout).update(reason=NASTY, who=NASTY)
    rollout.release.signed_by = [NASTY]
    rollout.release.save()

    page = look(operator, rollout)

    assert NASTY not in page
    assert html.escape(NASTY) in page


@pytest.mark.parametrize("name", ["none", "%00", "%27%20or%201=1", "a" * 3000])
def test_a_rollout_that_there_is_not_is_named(operator, name):
    answer = operator.get(f"/rollouts/{name}/")

    assert answer.status_code == 404
    assert "there is no rollout" in markup_of(answer)


def test_without_a_foreman_the_page_says_so(rollout, operator):
    assert "No Foreman leads." in look(operator, rollout)
