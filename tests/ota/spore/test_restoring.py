from dataclasses import replace

import pytest

from ota.domain.install.state import State
from ota.domain.states import Phase
from ota.spore.restoring import restore
from tests.ota.domain.install.node import OWN_SLOT, A, B, slot, wanted

BOTH = ("dev", "stable")


@pytest.fixture
def there(tmp_path):
    """A release whose files are there."""
    (tmp_path / "manage.py").touch()
    (tmp_path / "python").touch()
    return replace(slot(A), tree=str(tmp_path), python=str(tmp_path / "python"))


def test_a_new_home_runs_its_own_code():
    assert restore(None, OWN_SLOT, BOTH) == State(OWN_SLOT)


def test_its_own_code_is_that_of_this_start(there):
    earlier = replace(OWN_SLOT, version="0.0.9", tree="/gone")

    state = restore(State(there, previous=earlier), OWN_SLOT, BOTH)

    assert (state.active, state.previous) == (there, OWN_SLOT)


def test_a_release_whose_files_are_gone_makes_room():
    state = restore(State(slot(A), previous=OWN_SLOT, wanted=wanted(A)), OWN_SLOT, BOTH)

    assert (state.active, state.previous, state.wanted) == (OWN_SLOT, None, None)
    assert (state.attempt.code, state.attempt.sha256) == ("gone", A)


def test_what_comes_from_a_channel_that_is_not_accepted_any_more_is_no_way_back(there):
    lies = State(there, previous=slot(B), pending=slot(B), phase=Phase.STAGED, wanted=wanted(B))

    state = restore(lies, OWN_SLOT, ("stable",))

    assert (state.active, state.previous, state.pending) == (there, None, None)
    assert (state.phase, state.wanted) == (Phase.IDLE, None)


def test_but_it_is_while_the_new_one_is_on_trial(there):
    state = restore(State(there, previous=slot(B), phase=Phase.TRIAL), OWN_SLOT, ("stable",))

    assert (state.phase, state.previous) == (Phase.TRIAL, slot(B))
