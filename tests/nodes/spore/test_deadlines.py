import pytest

from nodes.spore.board import CANCEL, IDLE, NONE, TIMEOUT, Work
from nodes.spore.deadlines import Act, Asked, decide

RUNNING = Work(busy=True, attempt=7, started=100.0, limit=160.0, bundle="b", stop_token="t")


@pytest.mark.parametrize(
    ("work", "asked", "cancelled", "now", "expected"),
    [
        # in time
        (RUNNING, None, False, 159.9, (Act.LEAVE, NONE)),
        # asked once, for the first reason there is
        (RUNNING, None, False, 160.0, (Act.ASK, TIMEOUT)),
        (RUNNING, None, True, 101.0, (Act.ASK, CANCEL)),
        (RUNNING, None, True, 999.0, (Act.ASK, CANCEL)),
        # patience
        (RUNNING, Asked(7, CANCEL, at=110.0), True, 111.9, (Act.LEAVE, CANCEL)),
        (RUNNING, Asked(7, CANCEL, at=110.0), True, 112.0, (Act.KILL, CANCEL)),
        (RUNNING, Asked(7, TIMEOUT, at=160.0), False, 164.9, (Act.LEAVE, TIMEOUT)),
        (RUNNING, Asked(7, TIMEOUT, at=160.0), False, 165.0, (Act.KILL, TIMEOUT)),
        # what was asked is not asked again for another reason, nor taken back
        (RUNNING, Asked(7, TIMEOUT, at=160.0), True, 161.0, (Act.LEAVE, TIMEOUT)),
        (RUNNING, Asked(7, CANCEL, at=110.0), False, 112.0, (Act.KILL, CANCEL)),
        # an earlier attempt was asked: this one is none of its business
        (RUNNING, Asked(6, CANCEL, at=1.0), False, 150.0, (Act.LEAVE, NONE)),
        (RUNNING, Asked(6, CANCEL, at=1.0), True, 150.0, (Act.ASK, CANCEL)),
        # nothing runs
        (IDLE, None, True, 999.0, (Act.LEAVE, NONE)),
        (IDLE, Asked(7, CANCEL, at=1.0), True, 999.0, (Act.LEAVE, NONE)),
        (Work(bundle="b", stop_token="t"), None, True, 999.0, (Act.LEAVE, NONE)),
        (Work(busy=True, bundle="b"), None, True, 999.0, (Act.LEAVE, NONE)),
    ],
)
def test_a_running_attempt_is_asked_to_end_and_killed_when_it_does_not(
    work, asked, cancelled, now, expected
):
    assert decide(work, asked, cancelled=cancelled, now=now) == expected
