from datetime import timedelta

import pytest

from nodes.agenda import Agenda
from tests.nodes.cast import START

STEP = timedelta(seconds=1)


class Clock:
    """A stopwatch that only duties move."""

    def __init__(self) -> None:
        self.at = 0.0
        self.done: list[str] = []
        self.agenda = Agenda(lambda: self.at)

    def duty(self, name: str, seconds: float = 0.0):
        def do(now) -> None:
            self.at += seconds
            self.done.append(name)

        return do

    def step(self, length: timedelta = STEP) -> list[str]:
        """What one step got done."""
        before = len(self.done)
        self.agenda.go_on(START, step=length)
        return self.done[before:]


def test_a_step_ends_with_the_duty_that_used_up_its_time():
    clock = Clock()
    clock.agenda.add(*(clock.duty(name, 0.6 * STEP.total_seconds()) for name in "abcde"))

    assert [clock.step(), clock.step(), clock.step(), clock.step()] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
        [],
    ]
    assert not clock.agenda


def test_all_of_it_may_be_done_at_once():
    clock = Clock()
    clock.agenda.add(*(clock.duty(name, 60) for name in "abc"))

    assert clock.step(timedelta.max) == ["a", "b", "c"]


def test_what_a_duty_puts_first_comes_before_the_rest():
    clock = Clock()

    def branch(now) -> None:
        clock.agenda.put_first(clock.duty(name) for name in "ab")

    clock.agenda.add(branch, clock.duty("c"))

    assert clock.step() == ["a", "b", "c"]


def test_a_duty_that_breaks_has_the_round_begun_anew():
    clock = Clock()

    def fail(now) -> None:
        raise OSError("away")

    clock.agenda.add(fail, clock.duty("a"))

    with pytest.raises(OSError):
        clock.step()
    assert (bool(clock.agenda), clock.step()) == (False, [])
