"""`python -m bench.tables FILE.json`: the tables of docs/performance.md, from a run's document.

With `--into PAGE.md` they replace what stands there between the two marks.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.cells import Rows, method_line, notes, verdicts, versus
from hive_site.kernel.errors import HiveError

BEGIN, END = "<!-- figures: make bench -->", "<!-- end of figures -->"


def as_markdown(document: Mapping[str, Any]) -> str:
    """Both tables, and how the figures were taken."""
    parts = [
        "### Beside its peers",
        _table(versus(document)),
        "### Goals and floors",
        _table(verdicts(document)),
        "✓✓ the goal is reached, ✓ the floor holds, ✗ it does not.",
        *([" ".join(notes(document))] if notes(document) else []),
        method_line(document["method"]),
        *(f"**Did not complete**: {failure}" for failure in document["failures"]),
    ]
    return "\n\n".join(parts) + "\n"


def put_into(page: str, tables: str) -> str:
    """The page with these tables between its marks. Raises `HiveError` if it has none."""
    head, found, rest = page.partition(BEGIN)
    _, ended, tail = rest.partition(END)
    if not (found and ended):
        raise HiveError(f"the page has no lines {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{tables}\n{END}{tail}"


def _table(rows: Rows) -> str:
    head, *body = rows
    line = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in (head, line, *body))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def main(argv: list[str]) -> int:
    """0 if the tables were written; 1 if not."""
    parser = argparse.ArgumentParser(prog="bench.tables", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--into", type=Path, metavar="PAGE.md")
    arguments = parser.parse_args(argv)
    try:
        tables = as_markdown(json.loads(arguments.file.read_text()))
        if arguments.into:
            arguments.into.write_text(put_into(arguments.into.read_text(), tables))
        else:
            print(tables, end="")
    except (OSError, ValueError, HiveError) as fact:
        sys.stderr.write(f"bench.tables: {fact}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
