"""The grid of a job: whatever a reader missed, what it is told next is enough."""

from hypothesis import given
from hypothesis import strategies as st

from hive_site.live.domain.grid_log import GridLog

TOTAL = 40
STEPS = st.lists(st.dictionaries(st.integers(0, TOTAL - 1), st.integers(0, 8)), max_size=20)


class Reader:
    """A page's copy of the grid."""

    def __init__(self):
        self.cells, self.seq = b"", 0

    def catch_up(self, grid, seq):
        changed = grid.since(self.seq)
        if changed is None:
            self.cells = grid.cells
        else:
            cells = bytearray(self.cells)
            for index, byte in changed.items():
                cells[index] = byte
            self.cells = bytes(cells)
        self.seq = seq


@given(STEPS, st.data())
def test_a_reader_who_looks_only_now_and_then_sees_the_newest_grid(steps, data):
    grid, readers = GridLog(bytes(TOTAL), at=1), [Reader(), Reader()]

    for seq, cells in enumerate(steps, start=2):
        grid.write(cells, at=seq)
        for reader in readers:
            if data.draw(st.booleans()):
                reader.catch_up(grid, seq)
                assert reader.cells == grid.cells
    for reader in readers:
        reader.catch_up(grid, len(steps) + 1)

        assert reader.cells == grid.cells


def test_a_cell_that_changed_often_is_told_once():
    grid = GridLog(bytes(100), at=1)
    for seq, byte in enumerate((2, 3, 5), start=2):
        grid.write({7: byte}, at=seq)

    assert grid.since(1) == {7: 5}
    assert grid.since(4) == {}


def test_more_than_an_eighth_takes_the_whole():
    grid = GridLog(bytes(80), at=1)
    grid.write(dict.fromkeys(range(10), 5), at=2)
    assert len(grid.since(1)) == 10

    grid.write({10: 5}, at=3)

    assert grid.since(1) is None
    assert grid.since(2) == {10: 5}


def test_what_shows_already_is_no_change():
    grid = GridLog(b"\1\1", at=1)

    assert not grid.write({0: 1}, at=2)


def test_cells_are_counted_by_what_they_show():
    assert GridLog(b"\5\5\6", at=1).count(5) == 2
