import io
import json

from rich.console import Console

from bench.race import Outcome
from bench.report import as_document, print_report
from tests.bench.documents import DOCUMENT, METHOD, OUTCOME, SIDES


def printed(document):
    console = Console(file=io.StringIO(), width=160, highlight=False)
    print_report(console, document)
    return console.file.getvalue()


def test_the_document_is_json_with_all_sides_ratios_and_bounds():
    document = json.loads(json.dumps(as_document(OUTCOME, SIDES, METHOD)))

    row = document["figures"][0]
    assert document["contenders"] == {"hive": "Hive", "rq": "Rq", "huey": "Huey"}
    assert row["sides"]["hive"] == {"median": 2900, "lowest": 2800, "highest": 3100}
    assert (row["ratios"], row["best_peer"]) == ({"rq": 20, "huey": 2}, "huey")
    assert (row["goal"], row["floor"], row["verdict"]) == (5000, 3000, "missed")
    assert document["failures"] == ["payload: 3 of [4]"]
    assert document["method"] == METHOD


def test_people_see_both_tables_and_what_did_not_complete():
    text = printed(DOCUMENT)

    assert "THE HIVE beside its peers" in text
    assert "2,800–3,100" in text
    assert "THE HIVE, its goals and its floors" in text
    assert "did not complete payload: 3 of [4]" in text
    assert "Rq ran 1,000" in text


def test_a_run_in_which_nothing_completed_is_still_reported():
    document = as_document(Outcome(failures=["map: 0 of 1"]), SIDES, METHOD)

    assert "did not complete map: 0 of 1" in printed(document)
