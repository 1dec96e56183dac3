"""Which command lines ask for a launcher."""

import pytest

from hive_site.launching import is_managed
from ota.spore.agents import FDS

HOME = ("--home", "/somewhere")


def ask(*words, environ=()):
    return is_managed(["manage.py", "rqworker", *words], dict(environ))


@pytest.mark.parametrize(
    "more",
    [(), ("--slots", "2"), ("-v", "2"), ("--verbosity", "2"), ("--settings", "a.b"), ("--burst",)],
)
def test_a_spore_with_a_home_is_managed_whatever_else_it_is_given(more):
    assert ask(*HOME, *more)
    assert ask(*more, *HOME)


@pytest.mark.parametrize("words", [(), ("-v", "2"), (*HOME, "high"), (*HOME, "--help")])
def test_neither_one_without_a_home_nor_a_plain_worker_nor_a_question_is(words):
    assert not ask(*words)


def test_nor_is_the_agent_that_a_launcher_starts():
    assert not ask(*HOME, environ={FDS: "3,4"})
