import io
import json

import pytest
from rich.console import Console

from bench.figures import Figure, Spread
from bench.race import Line, Outcome
from bench.report import as_document, floor, number, print_table, spread

RATE = Figure("rate", "no-op map", "items/s", more_is_better=True, floor=3000)
METHOD = {
    "workers": 5,
    "repeats": 3,
    "quick": False,
    "python": "3.11.7",
    "packages": {"rq": "3.0.0"},
    "redis": "6.2.14",
    "database": "SQLite 3.40.1",
    "cores": 2,
    "machine": "Linux x86_64",
    "cpu_used_by_others_percent": 38.0,
    "load_average": 1.1,
}
LINE = Line("map", "no-op map", RATE, Spread(2900, 2800, 3100), Spread(145, 140, 150))
OUTCOME = Outcome(lines=[LINE], failures=["payload: 3 of 4"])


def printed(outcome):
    console = Console(file=io.StringIO(), width=140)
    print_table(console, outcome, METHOD)
    return console.file.getvalue()


def test_the_table_shows_both_sides_the_ratio_and_a_missed_floor():
    text = printed(OUTCOME)

    assert "2,900 (2,800–3,100)" in text
    assert "145 (140–150)" in text
    assert "20 ×" in text
    assert "≥ 3,000 ✗" in text


def test_the_table_says_what_did_not_complete_and_how_noisy_it_was():
    text = " ".join(printed(OUTCOME).split())

    assert "did not complete payload: 3 of 4" in text
    assert "others used 38 % of the CPU" in text


def test_a_run_in_which_nothing_completed_is_still_reported():
    assert "did not complete" in printed(Outcome(failures=["map: 0 of 1"]))


def test_the_document_is_json_with_ratios_and_floors():
    document = json.loads(json.dumps(as_document(OUTCOME, METHOD)))

    (row,) = document["figures"]
    assert row["hive"] == {"median": 2900, "lowest": 2800, "highest": 3100}
    assert (row["ratio"], row["floor"], row["meets_floor"]) == (20, 3000, False)
    assert document["failures"] == ["payload: 3 of 4"]
    assert document["method"] == METHOD


def test_a_single_run_has_no_range():
    assert spread(Spread.of([12.34])) == "12.3"


def test_a_side_without_a_value_is_a_dash():
    assert spread(None) == "–"


def test_a_floor_without_a_value_gets_no_verdict():
    assert floor(RATE, met=None) == "≥ 3,000"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(5210.4, "5,210"), (87.21, "87.2"), (1.337, "1.34"), (0.05, "0.05"), (3.0, "3")],
)
def test_numbers_keep_the_digits_that_count(value, shown):
    assert number(value) == shown
