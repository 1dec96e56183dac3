import json

import pytest

from bench.tables import BEGIN, END, as_markdown, main, put_into
from hive_site.kernel.errors import HiveError
from tests.bench.documents import DOCUMENT


def test_the_tables_are_markdown_with_as_many_cells_in_every_row():
    text = as_markdown(DOCUMENT)

    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count(" |") for line in rows[:3]} == {4}
    assert "| no-op map (items/s) | 2,900<br>2,800–3,100 | 145<br>140–150 | 1,450 |" in rows
    assert "**Did not complete**: payload: 3 of [4]" in text


def test_they_replace_what_stands_between_the_marks_and_nothing_else():
    page = f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter\n"

    once = put_into(page, "new\n")

    assert once == f"# Before\n\n{BEGIN}\n\nnew\n\n{END}\n\nAfter\n"
    assert put_into(once, "new\n") == once


@pytest.mark.parametrize("page", ["no marks", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_both_marks_is_refused(page):
    with pytest.raises(HiveError):
        put_into(page, "new\n")


def test_a_file_goes_into_a_page(tmp_path):
    run, page = tmp_path / "run.json", tmp_path / "page.md"
    run.write_text(json.dumps(DOCUMENT))
    page.write_text(f"{BEGIN}\n{END}\n")

    assert main([str(run), "--into", str(page)]) == 0

    assert "no-op map (items/s)" in page.read_text()


def test_a_file_that_is_no_run_is_told(tmp_path, capsys):
    file = tmp_path / "run.json"
    file.write_text("not json")

    assert main([str(file)]) == 1

    assert capsys.readouterr().err.startswith("bench.tables: ")
