import os

from nodes.spore.limits import Limits


def test_without_a_limit_no_process_holds_too_much(tmp_path):
    assert Limits(tmp_path).excess(os.getpid()) == ""


def test_a_process_over_the_limit_is_named_with_both_figures(tmp_path):
    found = Limits(tmp_path, slot_memory_mb=1).excess(os.getpid())

    assert found.startswith("SIGKILL: it held ")
    assert found.endswith(" MB, 1 are allowed")


def test_a_process_under_the_limit_or_gone_is_left_alone(tmp_path):
    limits = Limits(tmp_path, slot_memory_mb=10**6)

    assert limits.excess(os.getpid()) == limits.excess(2**22 + 1) == ""


def test_a_disk_with_room_is_no_trouble_even_before_the_home_exists(tmp_path):
    assert Limits(tmp_path / "not" / "yet", least_disk_mb=1).trouble() == ""


def test_a_full_disk_is_trouble_and_says_how_full(tmp_path):
    found = Limits(tmp_path, least_disk_mb=10**12).trouble()

    assert found.startswith("its disk is full: ")
