from ota.invariants import check_updates
from ota.models import Deployment, OtaEvent, Rollout
from tests.ota.cast import make_release


def test_all_holds_at_every_step_of_a_rollout(cluster):
    cluster.roll_out(make_release())

    for _ in range(12):
        cluster.step()
        assert not list(check_updates())


def test_what_was_changed_by_hand_is_found(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play()
    OtaEvent.objects.filter(what="healthy").update(reason="all fine, really")
    Deployment.objects.filter(rollout=rollout, node="spore-1").update(open=True)

    assert {rule for rule, _, _ in check_updates()} == {"I16", "I17"}
    assert Rollout.objects.get().state == "succeeded"
