"""Work that is done twice, because its node fell silent."""

import pytest

from tests.jobs.leader import Leader, pop

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(redis):
    return Leader(redis)


def double(leader, sent):
    """The node of a bundle falls silent; the copies of what it has in hand."""
    known = {bundle.id for bundle in leader.in_flight()}
    pop(leader, sent)
    leader.work.distrust(sent.node, leader.now)
    return [bundle for bundle in leader.send() if bundle.id not in known]


def test_a_copy_that_lost_its_race_is_not_doubled(leader):
    leader.submit(items=[1, 2])
    sent = leader.send()[0]
    [copy] = double(leader, sent)

    leader.report(sent, ok=[sent.first])
    third = double(leader, copy)

    assert sent.subtasks[0] not in [item.subtask for bundle in third for item in bundle.items]
