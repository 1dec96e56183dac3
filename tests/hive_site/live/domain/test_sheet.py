"""Stamped keys: whatever a reader missed, what it is told next brings it up to date."""

from hypothesis import given
from hypothesis import strategies as st

from hive_site.live.domain.sheet import Sheet

KEYS = st.sampled_from("abcde")
STATES = st.lists(st.dictionaries(KEYS, st.integers(0, 3)), min_size=1, max_size=20)


class Reader:
    """Knows what it was told, as a page does."""

    def __init__(self):
        self.known, self.seq = {}, 0

    def catch_up(self, sheet, seq):
        change = sheet.since(self.seq)
        if change.whole:
            self.known = {}
        self.known |= change.set
        for key in change.gone:
            self.known.pop(key, None)
        self.seq = seq


@given(STATES, st.data(), st.integers(0, 4))
def test_a_reader_who_looks_only_now_and_then_knows_the_newest_state(states, data, most_gone):
    sheet, readers = Sheet(most_gone=most_gone), [Reader(), Reader(), Reader()]

    for seq, values in enumerate(states, start=1):
        sheet.write(values, at=seq)
        for reader in readers:
            if data.draw(st.booleans()):
                reader.catch_up(sheet, seq)
                assert reader.known == values
    for reader in readers:
        reader.catch_up(sheet, len(states))

        assert reader.known == states[-1]


def test_only_what_changed_since_then_is_told():
    sheet = Sheet()
    sheet.write({"a": 1, "b": 1, "c": 1}, at=1)
    sheet.write({"a": 2, "b": 1}, at=2)

    change = sheet.since(1)

    assert (change.whole, change.set, change.gone) == (False, {"a": 2}, ("c",))


def test_what_came_back_is_not_gone():
    sheet = Sheet()
    sheet.write({"a": 1}, at=1)
    sheet.write({}, at=2)
    sheet.write({"a": 1}, at=3)

    assert (sheet.since(1).set, sheet.since(1).gone) == ({"a": 1}, ())


def test_writing_the_same_is_no_change():
    sheet = Sheet()

    assert sheet.write({"a": 1}, at=1)
    assert not sheet.write({"a": 1}, at=2)


def test_who_missed_more_than_is_remembered_is_told_everything():
    sheet = Sheet(most_gone=1)
    sheet.write({"a": 1, "b": 1, "c": 1}, at=1)
    sheet.write({"b": 1, "c": 1}, at=2)
    sheet.write({"c": 1}, at=3)

    assert sheet.since(1).whole
    assert sheet.since(2).gone == ("b",)
