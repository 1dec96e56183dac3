"""The grid has one byte for each subtask, and a byte means one thing."""

from pathlib import Path

from jobs.domain.grid import BYTES, draw
from jobs.domain.states import SubtaskState


def test_every_state_has_a_byte_of_its_own():
    assert set(BYTES) == set(SubtaskState)
    assert len(set(BYTES.values())) == len(BYTES)


def test_states_become_bytes_in_their_order():
    assert draw(["succeeded", "waiting", "failed"]) == bytes([5, 1, 6])


def test_the_page_of_states_tells_each_byte():
    page = (Path(__file__).parents[3] / "docs" / "states.md").read_text()

    for state, byte in BYTES.items():
        assert f"| {byte} | `{state}` |" in page
