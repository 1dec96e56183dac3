import pytest

from bench.cells import method_line, notes, number, spread, verdicts, versus
from tests.bench.documents import DOCUMENT


def test_every_side_has_a_column_and_only_figures_of_peers_a_row():
    head, *rows = versus(DOCUMENT)

    assert head == ["", "Hive", "Rq", "Huey"]
    assert rows == [
        ["no-op map (items/s)", "2,900\n2,800–3,100", "145\n140–150", "1,450"],
    ]


def test_a_peer_that_measured_nothing_has_no_column():
    (row,) = [row for row in DOCUMENT["figures"] if row["workload"] == "map"]
    alone = {**row, "sides": {"hive": row["sides"]["hive"], "rq": row["sides"]["rq"]}}

    head, *_ = versus({**DOCUMENT, "figures": [alone]})

    assert head == ["", "Hive", "Rq"]


def test_every_figure_of_the_hive_is_held_against_peers_and_bounds():
    _, first, second = verdicts(DOCUMENT)

    asked = ["≥ 5,000", "≥ 3,000", "✗"]
    assert first[1:] == ["2,900\n2,800–3,100", "20 ×", "2 ×\nHuey", *asked]
    assert second == ["one POST (s)", "0.50", "", "", "< 1", "", "✓✓"]


def test_who_ran_another_number_of_items_is_named():
    assert notes(DOCUMENT) == ["Rq ran 1,000 in “no-op map”."]


def test_a_side_without_a_value_is_a_dash():
    assert spread(DOCUMENT["figures"][1], "rq") == "–"


def test_how_the_figures_were_taken_names_versions_and_the_noise():
    line = method_line(DOCUMENT["method"])

    assert "Median (lowest–highest) of 3 runs; 5 single-slot workers" in line
    assert "rq 3.0.0, huey 3.5.4" in line
    assert "others used 38 % of the CPU" in line


@pytest.mark.parametrize(
    ("value", "shown"),
    [(5210.4, "5,210"), (87.21, "87.2"), (1.337, "1.34"), (0.05, "0.05"), (3.0, "3")],
)
def test_numbers_keep_the_digits_that_count(value, shown):
    assert number(value) == shown
