import pytest

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from ota.domain.states import Channel, ReleaseState, RolloutState
from ota.models import Deployment, Home, OtaEvent, Release, Rollout
from ota.services import rollouts
from ota.services.rollouts import create_rollout, move_rollout, preview_rollout
from tests.ota.cast import make_release, states


def rows(rollout: Rollout, state: str) -> dict[str, str]:
    found = Deployment.objects.filter(rollout=rollout, state=state)
    return dict(found.values_list("node", "code"))


def test_a_preview_stores_nothing(cluster):
    make_release()

    plan = preview_rollout(release="1.0", selector={})

    assert [len(wave) for wave in plan.waves] == [1, 4]
    assert not Rollout.objects.exists()


def test_who_cannot_take_it_is_left_out_with_a_word(cluster):
    release = make_release()
    cluster.join("plain", managed=False)
    cluster.join("strict", channels=["stable"])
    Home.objects.filter(node="spore-0").update(active=release.sha256)

    rollout = create_rollout(release="1.0")

    assert rows(rollout, "skipped") == {
        "plain": "unmanaged",
        "strict": "channel",
        "spore-0": "already",
    }
    assert rollout.deployments.filter(open=True).count() == 4


def test_if_nobody_can_take_it_nothing_is_stored(cluster):
    make_release()
    cluster.join("plain", managed=False, labels={"kind": "plain"})

    with pytest.raises(Conflict, match="plain: unmanaged"):
        create_rollout(release="1.0", selector={"kind": "plain"})

    assert not Rollout.objects.exists()


def test_if_all_run_it_already_there_is_nothing_to_do(cluster):
    release = make_release()
    Home.objects.update(active=release.sha256)

    rollout = create_rollout(release="1.0")
    cluster.play(2)

    rollout.refresh_from_db()
    assert rollout.state == RolloutState.SUCCEEDED


def test_canaries_go_first_and_who_is_offline_goes_last(cluster):
    make_release()
    cluster.join("chosen", labels={"canary": "1"})
    cluster.cut("spore-3")

    rollout = create_rollout(release="1.0")

    assert rollout.deployments.get(wave=0).node == "chosen"
    assert states(rollout)["spore-3"] == "deferred"


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"release": 3}, "release"),
        ({"release": "9.9"}, "release"),
        ({"release": "1.0", "strategy": "wild"}, "strategy"),
        ({"release": "1.0", "strategy": []}, "strategy"),
        ({"release": "1.0", "selector": {"kind": 3}}, "selector"),
        ({"release": "1.0", "selector": {"kind": "none"}}, "selector"),
    ],
)
def test_bad_wishes_name_the_field(cluster, wish, field):
    make_release()

    with pytest.raises(Invalid) as error:
        create_rollout(**wish)

    assert error.value.field == field


def test_a_release_that_was_yanked_is_refused(cluster):
    make_release()
    Release.objects.update(state=ReleaseState.YANKED)

    with pytest.raises(Conflict, match="yanked"):
        create_rollout(release="1.0")


@pytest.mark.parametrize("word", [ReleaseState.YANKED, ReleaseState.PURGED])
def test_a_release_that_goes_while_its_rollout_is_planned_is_not_rolled_out(
    cluster, monkeypatch, word
):
    make_release()
    plan_rollout = rollouts.plan_rollout

    def plan_while_it_goes(**wish):
        plan = plan_rollout(**wish)
        Release.objects.update(state=word)
        return plan

    monkeypatch.setattr(rollouts, "plan_rollout", plan_while_it_goes)

    with pytest.raises(Conflict, match="withdrawn just now"):
        create_rollout(release="1.0")

    assert not Rollout.objects.exists()


def test_verbs_name_the_state_that_does_not_take_them(cluster):
    make_release(channel=Channel.STABLE)
    rollout = create_rollout(release="1.0")

    with pytest.raises(Conflict, match="is running"):
        move_rollout(rollout_id=rollout.pk, verb="promote")
    with pytest.raises(NotFound):
        move_rollout(rollout_id="rollout_none", verb="pause")


def test_every_verb_says_who(cluster):
    make_release()
    rollout = create_rollout(release="1.0", who="ann")
    move_rollout(rollout_id=rollout.pk, verb="pause", who="bob")
    move_rollout(rollout_id=rollout.pk, verb="abort", who="cat")

    events = OtaEvent.objects.filter(node="").order_by("pk").values_list("who", "what")

    assert list(events) == [
        ("ann", "created"),
        ("ann", "running"),
        ("bob", "paused"),
        ("cat", "aborting"),
    ]


def test_a_draft_that_is_aborted_frees_its_nodes(cluster):
    make_release()
    draft = create_rollout(release="1.0", begin=False)

    move_rollout(rollout_id=draft.pk, verb="abort")

    assert not Deployment.objects.filter(open=True).exists()
    assert create_rollout(release="1.0").state == RolloutState.RUNNING


def test_a_rollout_that_is_over_is_not_rolled_back_while_another_has_its_nodes(cluster):
    first = cluster.roll_out(make_release("1.0", seq=1))
    cluster.play()
    second = cluster.roll_out(make_release("2.0", seq=2))

    with pytest.raises(Conflict, match=second.pk):
        cluster.move(first, "rollback")


def test_a_second_roll_back_opens_nothing_again(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play()
    cluster.move(rollout, "rollback")
    cluster.play()

    cluster.move(rollout, "rollback")

    assert not Deployment.objects.filter(open=True).exists()


def test_without_any_node_it_says_how_to_get_some(redis, db):
    make_release()

    with pytest.raises(Conflict, match="hive invite"):
        preview_rollout(release="1.0")


def test_if_nobody_can_take_it_the_way_out_is_said(cluster):
    make_release()
    cluster.join("plain", managed=False, labels={"kind": "plain"})

    with pytest.raises(Conflict, match="start it with --home"):
        create_rollout(release="1.0", selector={"kind": "plain"})


def test_who_notes_an_event_of_a_rollout_need_not_wait_for_who_decides(cluster, monkeypatch):
    # SQLite has no such locks; on PostgreSQL the two waited for each other for ever.
    asked, lock = [], Rollout.objects.select_for_update
    rollout = create_rollout(release=make_release().version)

    def note(**how):
        asked.append(how)
        return lock(**how)

    monkeypatch.setattr(Rollout.objects, "select_for_update", note)
    move_rollout(rollout_id=rollout.pk, verb="pause")

    assert [how["no_key"] for how in asked] == [True]


def test_to_a_release_that_was_pruned_nobody_is_sent_back(cluster):
    cluster.roll_out(make_release("1.0", seq=1))
    cluster.play()
    rollout = cluster.roll_out(make_release("2.0", seq=2))
    cluster.play()
    Release.objects.filter(version="1.0").update(state=ReleaseState.PURGED)

    with pytest.raises(Conflict, match=r"1\.0 ran there before, and was pruned"):
        cluster.move(rollout, "rollback")

    rollout.refresh_from_db()
    assert rollout.state == RolloutState.SUCCEEDED
    assert not Deployment.objects.filter(open=True).exists()
