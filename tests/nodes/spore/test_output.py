"""Of what an attempt prints the beginning and the end are kept, as text, whatever bytes it is."""

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.spore.board import Board
from nodes.spore.output import Output

HEAD, TAIL, MOST = 40, 30, 1000
chunks = st.lists(st.binary(max_size=60), max_size=12)
texts = st.lists(st.text(max_size=20), max_size=12)


def opened(most=MOST):
    """The output of an attempt that starts."""
    output = Output(Board(1)[0].output._register, head=HEAD, tail=TAIL, most=most)
    output.skip()
    return output


def keep(*data, most=MOST):
    """What is told at once, and what is told at the end."""
    output, told = opened(most), []
    for each in data:
        os.write(output.file, each)
        told.append(output.take())
    return told, output.rest()


def size(output):
    return os.fstat(output.file).st_size


def test_a_short_text_is_told_as_it_comes():
    assert keep(b"one\n", b"two\n") == (["one\n", "two\n"], "")


def test_a_letter_in_two_pieces_is_told_when_it_is_whole():
    begun, ended = "ü".encode()[:1], "ü".encode()[1:]

    assert keep(b"a" + begun, ended + b"b") == (["a", "üb"], "")


def test_a_letter_that_never_ends_is_told_as_one_that_cannot_be_read():
    assert keep(b"a" + "ü".encode()[:1]) == (["a"], "�")


def test_the_end_of_a_long_text_is_told_when_it_is_over():
    told, end = keep(b"h" * HEAD, b"t" * TAIL)

    assert ("".join(told), end) == ("h" * HEAD, "t" * TAIL)


def test_what_was_cut_is_counted():
    told, end = keep(b"h" * HEAD + b"x" * 1234 + b"t" * TAIL, most=9999)

    assert "".join(told) == "h" * HEAD
    assert end == f"\n--- 1,234 bytes were cut here ---\n{'t' * TAIL}"


def test_a_letter_across_head_and_end_takes_no_room_from_the_end():
    told, end = keep(("h" * (HEAD - 2) + "𐀀" + "t" * (TAIL - 2)).encode())

    assert ("".join(told), end) == ("h" * (HEAD - 2), "𐀀" + "t" * (TAIL - 2))


@given(texts)
def test_nothing_is_lost_or_changed_of_what_fits(said):
    whole = "".join(said).replace("\0", "�")
    told, end = keep(*(text.encode() for text in said))

    if len("".join(said).encode()) <= HEAD + TAIL:
        assert "".join(told) + end == whole


@given(chunks, st.sampled_from([MOST, 70]))
def test_whatever_comes_the_end_is_text_of_bounded_size_that_a_database_takes(said, most):
    told, end = keep(*said, most=most)

    text = "".join(told) + end
    assert "\0" not in text
    text.encode()
    assert len(text) <= HEAD + TAIL + len("\n--- 1,234,567 bytes were cut here ---\n")


@given(st.text(min_size=HEAD + TAIL + 5))
def test_cut_in_any_place_no_letter_is_broken(said):
    told, end = keep(said.encode())

    whole = said.replace("\0", "�")
    assert whole.startswith("".join(told))
    assert whole.endswith(end.partition("cut here ---\n")[2])


def test_a_flood_fills_no_memory_and_is_counted_all_the_same():
    lines, output, sizes = [f"{n:09}\n" for n in range(1000)], opened(), []

    for line in lines:
        output.write(line)
        output.take()
        sizes.append(size(output))
    end = output.rest()

    assert max(sizes) <= MOST + HEAD
    assert end == f"\n--- {10_000 - HEAD - TAIL:,} bytes were cut here ---\n{''.join(lines[-3:])}"


def test_a_flood_between_two_looks_keeps_its_beginning_and_its_end():
    output = opened()

    output.write("h" * HEAD + "x" * 5 * MOST + "t" * TAIL)
    told = output.take()

    assert size(output) == TAIL
    assert (told, output.rest().split("\n")[-1]) == ("h" * HEAD, "t" * TAIL)


def test_what_was_printed_before_an_attempt_is_nobodys_and_takes_no_room():
    output = opened()
    output.write("left behind " * 100)

    output.skip()
    assert size(output) == 0
    output.write("mine")

    assert output.take() + output.rest() == "mine"


def test_a_quiet_attempt_behind_a_loud_one_loses_no_line():
    output = opened()
    output.write("x" * (MOST - 10))
    output.take()
    output.rest()

    output.skip()
    output.write("one\n")
    told = output.take()
    output.write("two\n")

    assert told + output.take() == "one\ntwo\n"


def test_what_one_process_told_another_one_does_not_tell_again():
    board = Board(1)
    mine = board[0].output
    mine.skip()
    mine.write("told\n")
    told = mine.take()
    mine.write("not told")
    heir = Output(mine._register)
    heir.file = mine.file

    assert (told, heir.take() + heir.rest()) == ("told\n", "not told")


def test_what_the_process_before_left_behind_prints_into_no_log_of_the_next():
    output = opened()
    left_behind = os.dup(output.file)

    output.renew()
    with pytest.raises(PermissionError):
        os.write(left_behind, b"late")
    output.write("mine")

    assert output.take() == "mine"
    os.close(left_behind)


def test_an_output_that_was_shut_holds_no_memory_whoever_has_it_open():
    output = opened()
    left_behind = os.dup(output.file)
    output.write("x" * MOST)

    output.shut()

    assert os.fstat(left_behind).st_size == 0
    os.close(left_behind)


def test_an_output_is_shut_once_and_what_has_its_number_then_stays_open():
    output = opened()

    output.shut()
    mine = os.memfd_create("mine")
    output.shut()
    del output

    os.close(mine)


def test_children_print_into_it_and_do_not_keep_it():
    output = opened()

    subprocess.run(["echo", "child"], stdout=output.file, check=True)

    assert output.take() == "child\n"
    assert not os.get_inheritable(output.file)


def test_without_files_in_memory_one_on_disk_will_do(monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    output = opened()

    output.write("one\n")
    output.skip()
    output.write("ü \ud800\n")

    assert output.take() == "ü \\ud800\n"
