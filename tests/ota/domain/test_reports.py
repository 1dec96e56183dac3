import pytest

from ota.domain.reports import News, Place, read_news
from ota.domain.states import DeploymentState, RolloutState

D, R = DeploymentState, RolloutState
NEW, OLD = "a" * 64, "b" * 64


def report(attempt: str = "", *, active: str = OLD, phase: str = "idle", rev: int = 5, staged=""):
    said = {"sha256": NEW, "state": attempt, "step": "", "code": "deps", "reason": "no wheel"}
    return {
        "rev": rev,
        "phase": phase,
        "active": {"sha256": active, "version": ""},
        "staged": {"sha256": staged, "version": ""} if staged else None,
        "attempt": said if attempt else None,
    }


def place(state: DeploymentState, rollout: RolloutState = R.RUNNING, **facts) -> Place:
    whole = {"sha256": NEW, "before": OLD, "rev": 5, "open": True, **facts}
    return Place(state=state, rollout=rollout, **whole)


@pytest.mark.parametrize(
    ("state", "said", "news"),
    [
        (D.STAGING, report("staged"), News(D.STAGED)),
        (D.STAGING, report(staged=NEW), News(D.STAGED)),
        (D.STAGING, report("staging", staged=NEW), None),
        (D.STAGING, report("staged", rev=1), News(D.STAGED)),
        (D.STAGING, report("failed"), News(D.FAILED, "deps", "no wheel")),
        (D.STAGED, report("deferred"), News(D.DEFERRED, "deps", "no wheel")),
        (D.ACTIVATING, report("staged"), None),
        (D.ACTIVATING, report("activating", active=NEW, phase="trial"), None),
        (D.ACTIVATING, report("healthy", active=NEW), News(D.HEALTHY)),
        (D.ACTIVATING, report("rolled_back"), News(D.ROLLED_BACK, "deps", "no wheel")),
        (D.DEFERRED, report("healthy", active=NEW), News(D.HEALTHY)),
        (D.HEALTHY, report("healthy", active=NEW), None),
        (D.HEALTHY, report("rolled_back"), News(D.ROLLED_BACK, "deps", "no wheel")),
        (D.HEALTHY, report("staged"), None),
        (D.FAILED, report("healthy", active=NEW), None),
        (D.PENDING, report("failed"), None),
        (D.SKIPPED, report("healthy", active=NEW), None),
    ],
)
def test_a_report_moves_a_node_as_far_as_it_may(state, said, news):
    assert read_news(said, place(state)) == news


def test_what_failed_before_this_was_wanted_does_not_count():
    assert read_news(report("failed", rev=4), place(D.STAGING)) is None
    assert read_news(report("failed", rev=4), place(D.ACTIVATING)) == News(
        D.FAILED, "deps", "no wheel"
    )
    assert read_news(report("failed", rev=3), place(D.ACTIVATING)) is None


def test_of_a_rollout_that_is_over_only_what_was_put_off_is_recorded():
    over = {"rollout": R.SUCCEEDED, "open": False}

    assert read_news(report(active=NEW), place(D.DEFERRED, **over)) == News(D.HEALTHY)
    assert read_news(report("staged"), place(D.DEFERRED, **over)) is None
    assert read_news(report("rolled_back"), place(D.HEALTHY, **over)) is None


def test_going_back_is_done_when_the_code_before_runs_by_the_new_order():
    going = place(D.HEALTHY, R.ROLLING_BACK)

    assert read_news(report("healthy", active=NEW), going) is None
    assert read_news(report(active=OLD), going) == News(D.ROLLED_BACK)
    assert read_news(report(active=OLD, phase="trial"), going) is None
    assert read_news(report(active=OLD, rev=4), going) is None
    assert read_news(report("failed", active=NEW), going) == News(D.FAILED, "not_back", "no wheel")


def test_a_failure_of_a_third_release_does_not_mean_that_it_cannot_go_back():
    going = place(D.HEALTHY, R.ROLLING_BACK)
    said = report("failed", active=NEW)
    said["attempt"]["sha256"] = "c" * 64

    assert read_news(said, going) is None
