import io

import pytest
from rich.console import Console

from bench import footprint
from bench.footprint import ROWS, Row, main, print_table
from bench.idle import Cost

FIGURES = {
    "spore_rss_mb": 110.0,
    "spore_pss_mb": 61.0,
    "slot_pss_mb": 14.0,
    "foreman_cpu": 3.5,
    "nexus_cpu": 0.5,
    "spore_cpu": 0.35,
}


def printed(figures):
    console = Console(file=io.StringIO(), width=140)
    print_table(console, figures, {"load_average": 0.5})
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "✓"), (1.0, "✓"), (1.01, "·"), (3.0, "·"), (3.01, "✗")]
)
def test_a_figure_is_held_against_its_goal_and_its_floor(value, verdict):
    assert Row("cpu", "idle", "%", 1, 3).verdict(value) == verdict


def test_what_has_no_goal_is_only_told():
    assert Row("pss", "memory", "MB").verdict(1_000_000) == ""


def test_the_table_says_of_each_figure_what_it_is_held_against():
    lines = printed(FIGURES)

    [foreman] = [line.split() for line in lines if "Foreman" in line]
    assert foreman[-5:] == ["3.50", "%", "1", "3", "✗"]
    [split] = [line.split() for line in lines if "shared pages split" in line]
    assert split[-2:] == ["61.00", "MB"]
    assert "load_average 0.5" in lines[-1]


def test_further_slots_share_what_the_first_one_holds(monkeypatch, tmp_path):
    one = [Cost(0.3, 110, 60), Cost(0.9, 100, 90), Cost(0.4, 100, 90)]
    eight = [Cost(0.0, 400, 130), *one[1:]]
    monkeypatch.setattr(
        footprint, "_watch", lambda folder, slots, seconds: one if slots == 1 else eight
    )

    figures = footprint.measure(tmp_path, 1.0)

    assert figures == {
        "spore_rss_mb": 110,
        "spore_pss_mb": 60,
        "slot_pss_mb": 10,
        "foreman_cpu": 0.9,
        "nexus_cpu": 0.4,
        "spore_cpu": 0.3,
    }


@pytest.mark.parametrize(("changed", "code"), [({}, 1), ({"foreman_cpu": 2.9}, 0)])
def test_it_fails_if_a_figure_is_beyond_its_floor(monkeypatch, capsys, changed, code):
    monkeypatch.setattr(footprint, "measure", lambda folder, seconds: FIGURES | changed)
    monkeypatch.setattr(footprint, "weather", dict)

    assert main(["--json"]) == code
    assert '"spore_rss_mb": [90, 120]' in capsys.readouterr().out


def test_every_figure_has_a_row():
    assert {row.key for row in ROWS} == set(FIGURES)
