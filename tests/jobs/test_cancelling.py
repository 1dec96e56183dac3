"""Jobs that are stopped while their work is under way."""

import pytest

from jobs import services
from tests.jobs.leader import Leader

pytestmark = pytest.mark.django_db


@pytest.fixture
def leader(redis):
    return Leader(redis)


def pop(leader, sent):
    """A slot takes the bundle, so that nobody can withdraw it."""
    leader.redis.lmove(
        f"rq:queue:{sent.node}", f"rq:queue:{sent.node}:intermediate", "LEFT", "RIGHT"
    )


def test_a_cancelled_job_ends_though_a_bundle_of_it_comes_back_in_parts(leader):
    leader.work._pace.learn("demo.echo", 0.001)
    job = leader.submit(items=list(range(40)))
    sent = leader.send()[0]
    for bundle in leader.in_flight():
        pop(leader, bundle)
    services.cancel_job(job_id=job.pk)
    leader.hint("cancel", job)

    for bundle in leader.in_flight():
        first, *rest = bundle.open
        leader.report(bundle, events=[{"k": "back", "attempts": rest}])
        leader.fail(bundle, first, "cancelled")

    assert len(sent.items) > 1
    assert leader.states(job) == ("cancelled", ["cancelled"] * 40)
