"""Nodes that an operator deletes, before, in the middle of and after a rollout."""

from nodes.domain.states import NodeState
from nodes.models import Node
from nodes.services import forget_node
from ota.domain.states import RolloutState
from ota.models import Deployment, Home, OtaEvent
from tests.ota.cast import make_release, state, states

R = RolloutState


def delete(cluster, name: str) -> None:
    cluster.cut(name)
    forget_node(name=name)
    cluster.roster.drop(name)


def test_a_deleted_node_is_in_the_matrix_no_more_and_holds_no_release(cluster):
    delete(cluster, "spore-0")

    assert not Home.objects.filter(node="spore-0").exists()


def test_nobody_waits_for_a_node_that_is_deleted_in_the_middle(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play(2)
    gone = rollout.deployments.filter(wave=1).first().node
    delete(cluster, gone)

    cluster.play()

    assert (state(rollout), rollout.reason) == (R.SUCCEEDED, "")
    assert states(rollout)[gone] == "canceled"
    assert Deployment.objects.get(node=gone).reason == "its node was deleted"
    assert OtaEvent.objects.filter(what="removed", node=gone, rollout=rollout).exists()
    assert not Deployment.objects.filter(open=True).exists()


def test_when_the_only_canary_is_deleted_another_node_proves_the_release(cluster):
    rollout = cluster.roll_out(make_release())
    cluster.play(2)
    gone = rollout.deployments.get(wave=0).node
    delete(cluster, gone)

    cluster.conduct()
    cluster.conduct()

    going = rollout.deployments.filter(state="activating")
    assert [row.wave for row in going] == [0]
    cluster.play()
    assert state(rollout) == R.SUCCEEDED


def test_who_was_put_off_and_is_deleted_follows_no_more(cluster):
    cluster.cut("spore-4")
    rollout = cluster.roll_out(make_release())
    cluster.play()

    delete(cluster, "spore-4")

    assert states(rollout)["spore-4"] == "canceled"


def test_a_deleted_node_that_comes_back_heeds_what_is_wanted_of_it(cluster):
    cluster.roll_out(make_release())
    cluster.play()
    node = cluster.nodes["spore-3"]
    delete(cluster, "spore-3")
    cluster.play(2)
    cluster.roll_out(make_release("2.0", seq=2))
    cluster.play()
    heard = node.rev

    Node.objects.create(name="spore-3", state=NodeState.ONLINE)
    seat = cluster.roster["spore-2"]
    cluster.roster.add(type(seat)("spore-3", state=NodeState.ONLINE))
    node.online = True
    cluster.play(5)

    assert node.active[-1:] == "2"
    assert node.rev > heard
