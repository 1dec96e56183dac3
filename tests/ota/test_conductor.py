"""Rollouts from their first click to their last node, with nodes that only play."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hive_site.kernel.errors import Conflict, Deposed
from nodes.models import Lease
from ota.domain.states import RolloutState
from ota.domain.strategies import Terms
from ota.models import Deployment, Home, OtaEvent, Rollout
from tests.ota.cast import make_release, state, states

R = RolloutState


def canary_of(rollout: Rollout) -> str:
    return rollout.deployments.get(wave=0).node


def reach_canary(cluster, release, **wish) -> tuple[Rollout, str]:
    """Everybody has the release, and the canary is about to switch."""
    rollout = cluster.roll_out(release, **wish)
    cluster.play(2)
    cluster.conduct()
    return rollout, canary_of(rollout)


def test_a_rollout_reaches_every_node(cluster):
    rollout = cluster.roll_out(make_release())

    cluster.play()

    assert state(rollout) == R.SUCCEEDED
    assert set(states(rollout).values()) == {"healthy"}
    assert set(cluster.active().values()) == {"1"}
    assert not Deployment.objects.filter(open=True).exists()


def test_everybody_prepares_while_only_the_canary_switches(cluster):
    rollout, canary = reach_canary(cluster, make_release())

    assert [name for name, one in states(rollout).items() if one == "activating"] == [canary]
    assert all(node.staged for node in cluster.nodes.values())


@pytest.mark.parametrize("failure", ["failed", "rolled_back"])
def test_when_the_canary_fails_the_rest_is_untouched(cluster, failure):
    release = make_release()
    rollout, canary = reach_canary(cluster, release)
    cluster.nodes[canary].fails[release.sha256] = failure

    cluster.play()

    assert state(rollout) == R.PAUSED
    assert rollout.reason.startswith("error_threshold")
    row = rollout.deployments.get(node=canary)
    assert (row.state, row.code, row.reason) == (failure, "probe", "the probe failed")
    assert [node.ran for node in cluster.nodes.values()] == [[]] * 5


def test_a_failed_canary_is_tried_again_by_resuming(cluster):
    release = make_release()
    rollout, canary = reach_canary(cluster, release)
    cluster.nodes[canary].fails[release.sha256] = "rolled_back"
    cluster.play(3)
    cluster.nodes[canary].fails.clear()

    cluster.move(rollout, "resume")
    cluster.play()

    assert state(rollout) == R.SUCCEEDED


def test_a_pause_lets_nobody_switch_and_resuming_goes_on(cluster):
    rollout, canary = reach_canary(cluster, make_release())
    cluster.move(rollout, "pause")

    cluster.play()
    assert [name for name, node in cluster.nodes.items() if node.ran] == [canary]

    cluster.move(rollout, "resume")
    cluster.play()
    assert state(rollout) == R.SUCCEEDED


def test_an_abort_leaves_who_has_not_switched(cluster):
    rollout, canary = reach_canary(cluster, make_release())
    cluster.move(rollout, "abort")

    cluster.play()

    assert state(rollout) == R.ABORTED
    assert states(rollout).pop(canary) == "healthy"
    assert [name for name, node in cluster.nodes.items() if node.ran] == [canary]
    assert not Deployment.objects.filter(open=True).exists()


@pytest.mark.parametrize("steps", range(8))
def test_a_roll_back_brings_everybody_back_at_any_moment(cluster, steps):
    rollout = cluster.roll_out(make_release())
    cluster.play(steps)
    cluster.move(rollout, "rollback")

    cluster.play()

    assert state(rollout) == R.ROLLED_BACK
    assert set(cluster.active().values()) == {""}
    assert not Deployment.objects.filter(open=True).exists()


def test_a_roll_back_goes_to_the_release_before(cluster):
    cluster.roll_out(make_release("1.0", seq=1))
    cluster.play()
    second = cluster.roll_out(make_release("2.0", seq=2))
    cluster.play()
    assert set(cluster.active().values()) == {"2"}

    cluster.move(second, "rollback")
    cluster.play()

    assert set(cluster.active().values()) == {"1"}


def test_what_ran_before_needs_no_second_probation(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play()
    there = {home.terms["probation"] for home in Home.objects.all()}

    cluster.move(rollout, "rollback")
    cluster.play()

    assert (there, {home.terms["probation"] for home in Home.objects.all()}) == ({2.0}, {0.0})


def test_a_roll_back_names_who_is_not_back(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play()
    cluster.cut("spore-2")
    cluster.move(rollout, "rollback")
    cluster.play(3)

    cluster.step(seconds=Terms().activating_deadline)

    assert state(rollout) == R.ROLLBACK_INCOMPLETE
    assert rollout.reason == "not back: spore-2"

    cluster.mend("spore-2")
    cluster.play(3)
    assert cluster.active()["spore-2"] == ""


def test_after_a_newer_one_a_roll_back_touches_nobody_who_went_on(cluster):
    first = cluster.roll_out(make_release("1.0", seq=1))
    cluster.play()
    cluster.roll_out(make_release("2.0", seq=2))
    cluster.play()

    cluster.move(first, "rollback")
    cluster.play()

    assert state(first) == R.ROLLED_BACK
    assert "nothing was brought back" in first.reason
    assert set(cluster.active().values()) == {"2"}


@pytest.mark.parametrize("verb", ["pause", "abort", "rollback"])
def test_a_double_click_is_one_event(cluster, verb):
    rollout = cluster.roll_out(make_release())
    cluster.step()

    once = cluster.move(rollout, verb).state
    count = OtaEvent.objects.count()
    twice = cluster.move(rollout, verb).state

    assert (once, OtaEvent.objects.count()) == (twice, count)


def test_two_rollouts_of_the_same_nodes_are_refused_by_name(cluster):
    first = cluster.roll_out(make_release("1.0", seq=1))

    with pytest.raises(Conflict, match=first.pk):
        cluster.roll_out(make_release("2.0", seq=2))

    assert Rollout.objects.count() == 1


def test_two_rollouts_of_different_nodes_go_on_side_by_side(cluster):
    cluster.join("gpu-1", labels={"kind": "gpu"})
    cluster.join("gpu-2", labels={"kind": "gpu"})
    one = cluster.roll_out(make_release("2.0", seq=2), selector={"kind": "gpu"})
    cluster.play()

    with pytest.raises(Conflict):
        cluster.move(one, "pause")

    other = cluster.roll_out(make_release("1.0", seq=1), selector={})
    cluster.play()

    assert (state(one), state(other)) == (R.SUCCEEDED, R.SUCCEEDED)


def test_superseding_moves_everybody_on_to_the_newer(cluster):
    first, canary = reach_canary(cluster, make_release("1.0", seq=1))
    cluster.nodes[canary].sync()
    second = cluster.roll_out(make_release("2.0", seq=2), replace=True)

    cluster.play()

    assert (state(first), first.reason) == (R.SUPERSEDED, f"by {second.pk}")
    assert state(second) == R.SUCCEEDED
    assert set(cluster.active().values()) == {"2"}
    cluster.move(second, "rollback")
    cluster.play()
    # It goes back to what it really ran, though it was not healthy yet when that was planned.
    assert cluster.active()[canary] == "1"


def test_who_is_left_behind_by_the_newer_goes_back(cluster):
    cluster.join("gpu-1", labels={"kind": "gpu"})
    cluster.roll_out(make_release("1.0", seq=1))
    cluster.step()

    cluster.roll_out(make_release("2.0", seq=2), selector={"kind": "gpu"}, replace=True)
    cluster.play()

    homes = Home.objects.exclude(node="gpu-1")
    assert set(homes.values_list("wanted_own", flat=True)) == {True}
    assert cluster.active()["gpu-1"] == "2"


def test_a_node_that_is_gone_while_it_switches_counts_as_failed_at_its_deadline(cluster):
    rollout, canary = reach_canary(cluster, make_release())
    cluster.cut(canary)

    cluster.play(5)
    assert states(rollout)[canary] == "activating"

    cluster.step(seconds=Terms().activating_deadline)
    assert states(rollout)[canary] == "timed_out"
    assert state(rollout) == R.PAUSED


def test_a_node_that_is_gone_before_is_put_off_and_follows_by_itself(cluster):
    rollout, canary = reach_canary(cluster, make_release())
    gone = next(name for name in cluster.nodes if name != canary)
    cluster.cut(gone)
    cluster.play()
    assert state(rollout) == R.SUCCEEDED
    assert (states(rollout)[gone], rollout.reason) == (
        "deferred",
        "1 node follows when it is back",
    )

    cluster.mend(gone)
    cluster.play(3)

    assert (state(rollout), states(rollout)[gone]) == (R.SUCCEEDED, "healthy")
    assert cluster.active()[gone] == "1"


def test_a_node_that_comes_back_in_time_is_part_of_it(cluster):
    rollout, canary = reach_canary(cluster, make_release())
    gone = next(name for name in cluster.nodes if name != canary)
    cluster.cut(gone)
    cluster.conduct()
    assert states(rollout)[gone] == "deferred"

    cluster.mend(gone)
    cluster.play()

    assert set(states(rollout).values()) == {"healthy"}


def test_a_node_that_was_off_for_three_releases_comes_up_in_one_hop(cluster):
    gone = cluster.cut("spore-4")
    rollouts = []
    for seq in (1, 2, 3):
        rollouts.append(cluster.roll_out(make_release(f"{seq}.0", seq=seq)))
        cluster.play()

    cluster.mend("spore-4")
    cluster.play(3)

    assert [sha256[-1] for sha256 in gone.ran] == ["3"]
    ends = [states(rollout)["spore-4"] for rollout in rollouts]
    assert ends == ["superseded", "superseded", "healthy"]


def test_without_any_hint_a_new_foreman_goes_on_from_the_database(cluster):
    rollout = cluster.roll_out(make_release())
    for _ in range(15):
        cluster.restart()
        cluster.now += timedelta(seconds=1)
        cluster.conductor.conduct(cluster.roster, cluster.now)
        for node in cluster.nodes.values():
            node.sync()

    assert state(rollout) == R.SUCCEEDED


def test_who_leads_no_more_changes_nothing(cluster):
    rollout = cluster.roll_out(make_release())
    Lease.objects.update(holder="another", epoch=9)

    with pytest.raises(Deposed):
        cluster.conduct()

    assert set(states(rollout).values()) == {"pending"}


def test_a_gate_waits_for_a_promotion(cluster):
    rollout = cluster.roll_out(make_release(), strategy="manual")
    cluster.play()
    assert (state(rollout), rollout.reason.partition(":")[0]) == (R.PAUSED, "gate")

    cluster.move(rollout, "promote")
    cluster.play()

    assert state(rollout) == R.SUCCEEDED


def test_a_draft_waits_for_its_start(cluster):
    rollout = cluster.roll_out(make_release(), begin=False)
    cluster.play(3)
    assert (state(rollout), set(states(rollout).values())) == (R.DRAFT, {"pending"})

    cluster.move(rollout, "start")
    cluster.play()

    assert state(rollout) == R.SUCCEEDED


def test_who_joins_later_comes_up_to_the_others(cluster):
    cluster.roll_out(make_release())
    cluster.play()

    cluster.join("late")
    cluster.play(3)

    assert cluster.active()["late"] == "1"
    assert OtaEvent.objects.filter(node="late", what="caught up").count() == 1


def test_who_joins_later_does_not_get_what_was_rolled_back(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play()
    cluster.move(rollout, "rollback")
    cluster.play()

    cluster.join("late")
    cluster.play(3)

    assert cluster.active()["late"] == ""


def test_many_errors_of_all_at_once_roll_everything_back(cluster):
    release = make_release()
    for name in ("spore-0", "spore-1"):
        cluster.nodes[name].fails[release.sha256] = "rolled_back"
    rollout = cluster.roll_out(release, strategy="all-at-once")

    cluster.play()

    assert state(rollout) == R.ROLLED_BACK
    assert set(cluster.active().values()) == {""}


def test_only_nodes_of_which_something_else_is_wanted_are_told(cluster):
    cluster.roll_out(make_release())

    first, again = cluster.conduct(), cluster.conduct()

    assert (first, again) == (set(cluster.nodes), set())


def test_one_broken_rollout_does_not_hold_up_another(cluster):
    cluster.join("gpu-1", labels={"kind": "gpu"})
    broken = cluster.roll_out(make_release("2.0", seq=2), selector={"kind": "gpu"})
    Rollout.objects.filter(pk=broken.pk).update(terms={"groups": 3})
    Deployment.objects.filter(rollout=broken).update(open=False)
    rollout = cluster.roll_out(make_release())

    cluster.play()

    assert (state(rollout), state(broken)) == (R.SUCCEEDED, R.RUNNING)


def test_a_hundred_nodes_take_few_queries(cluster, django_assert_max_num_queries):
    for number in range(5, 100):
        cluster.join(f"spore-{number}")
    cluster.conduct()
    cluster.roll_out(make_release())

    with django_assert_max_num_queries(10):
        assert len(cluster.conduct(seconds=0.5)) == 100


def test_the_picture_shows_what_is_under_way(cluster):
    rollout, _ = reach_canary(cluster, make_release())

    [drawn] = cluster.conductor.snapshot(cluster.now)["updates"]

    assert (drawn["id"], drawn["release"], drawn["nodes"]) == (
        rollout.pk,
        "1.0",
        {"activating": 1, "staged": 4},
    )


class Metadata:
    def __init__(self) -> None:
        self.asked = []

    def refresh(self, now) -> bool:
        self.asked.append(now)
        return True


def test_metadata_are_refreshed_once_a_minute(cluster):
    metadata = Metadata()
    cluster.conductor._open_repository = lambda: metadata

    for _ in range(121):
        cluster.conduct()

    assert len(metadata.asked) == 3


def test_who_was_away_still_follows_the_others_after_the_next_rollout_is_called_off(cluster):
    gone = cluster.cut("spore-4")
    cluster.roll_out(make_release("1.0", seq=1))
    cluster.play()
    second = cluster.roll_out(make_release("2.0", seq=2))
    cluster.conduct()
    cluster.move(second, "abort")
    cluster.play()

    cluster.mend("spore-4")
    cluster.play(5)

    assert state(second) == R.ABORTED
    assert gone.active[-1:] == "1"


def test_without_any_rollout_a_round_writes_nothing(cluster):
    OtaEvent.objects.all().delete()

    with CaptureQueriesContext(connection) as seen:
        cluster.conduct()

    assert not [query for query in seen if not query["sql"].startswith("SELECT")]


def test_who_fits_no_rollout_is_not_written_for_every_second(cluster):
    cluster.join("lab-1", labels={"site": "lab"})
    cluster.roll_out(make_release(), selector={"site": "lab"})
    cluster.play()

    with CaptureQueriesContext(connection) as seen:
        cluster.conduct()

    assert not [query for query in seen if not query["sql"].startswith("SELECT")]


def test_who_fits_a_rollout_later_comes_up_to_the_others(cluster):
    cluster.join("lab-1", labels={"site": "lab"})
    cluster.roll_out(make_release(), selector={"site": "lab"})
    cluster.play()
    cluster.roster["spore-0"].set_labels = {"site": "lab"}

    cluster.play(15)

    assert cluster.active()["spore-0"] == "1"
