import pytest

from ota.models import Deployment
from ota.touching import tell_touched
from tests.ota.cast import make_release


@pytest.fixture
def rollout(cluster):
    """One node is healthy, one switches, one failed, two have not switched."""
    rollout = cluster.roll_out(make_release())
    rows = Deployment.objects.filter(rollout=rollout).order_by("wave", "node")
    for row, state in zip(rows, ("healthy", "activating", "failed"), strict=False):
        Deployment.objects.filter(pk=row.pk).update(state=state)
    return rollout


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("start", "Preparing at once: 2 nodes. Switching first: 1 node."),
        ("pause", "Not switched yet, and waiting: 2 nodes."),
        ("resume", "Still to switch: 2 nodes. Failed, and tried again: 1 node."),
        ("promote", "Switching in wave 2: 4 nodes."),
        ("abort", "Left as they are: 2 nodes. Switching to the end: 1 node."),
        ("rollback", "Going back to what they ran before, all at once: 2 nodes."),
    ],
)
def test_a_verb_says_how_many_nodes_it_touches(rollout, verb, told):
    assert tell_touched(rollout, verb) == told
