"""The code blocks of the documents, and what a comment on the line above one wants of it.

<!-- run -->            run it: python as a script, sh with bash whatever excuse it has
<!-- run on nexus -->   python that runs beside the Nexus, in `manage.py shell`
<!-- run on sqlite -->  commands that take another word where the database is PostgreSQL
<!-- output -->         what the block that was run before prints; … stands for anything
<!-- file: a/tasks.py -->  a file that is there before the Hive starts; a `tasks.py` is loaded by it

A block for the shell is run unless `tests/excuses.py` says what it needs. An indented block that
begins like a command is for the shell, as is one fenced as `sh`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hive_site.configuration import PROJECT
from tests.excuses import excuse

MARKDOWN = MarkdownIt("commonmark").enable("table")
WISH = re.compile(r"<!-- (?P<wish>.*) -->\s*")
KINDS = {
    "run": {"python", "sh"},
    "run on nexus": {"python"},
    "run on sqlite": {"sh"},
    "output": {"", "text", "json"},
}
#: How a command begins: a program, or a variable that is set.
COMMAND = re.compile(r"[a-z.][\w./-]*(\s|$)|[A-Z_]+=")
#: Where documents are; what others wrote, and what we ship as it is, is none of them.
PLACES = ("*.md", "docs/*.md", "docs/guide/*.md", "docs/adr/*.md", "examples/**/*.md")


@dataclass(frozen=True)
class Block:
    """One block of code."""

    document: str
    line: int
    kind: str
    text: str
    wish: str

    @property
    def name(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def path(self) -> str:
        """The file that it is, if it is one."""
        return self.wish.removeprefix("file: ") if self.wish.startswith("file: ") else ""

    @property
    def runs(self) -> bool:
        return self.wish.startswith("run") or (
            self.kind == "sh" and not self.wish and not excuse(self.text)
        )


def read_blocks(document: str, text: str) -> list[Block]:
    """All blocks of a document, in order. Raises `ValueError` for a wish that is none."""
    blocks, before = [], None
    for token in MARKDOWN.parse(text):
        if token.type in {"fence", "code_block"} and token.map:
            blocks.append(_read_block(document, token, before))
        before = token
    return blocks


def _read_block(document: str, token: Token, before: Token | None) -> Block:
    kind = token.info.partition(" ")[0]
    if token.type == "code_block" and COMMAND.match(token.content):
        kind = "sh"
    comment = WISH.fullmatch(before.content) if before and before.type == "html_block" else None
    block = Block(
        document, token.map[0] + 1, kind, token.content, comment["wish"] if comment else ""
    )
    if block.wish and not block.path and block.kind not in KINDS.get(block.wish, ()):
        raise ValueError(
            f"{block.name}: nothing is known of <!-- {block.wish} --> for {block.kind}"
        )
    return block


def documents() -> list[Path]:
    """Every document, each once."""
    return sorted(set(chain.from_iterable(PROJECT.glob(place) for place in PLACES)))


def name_of(document: Path) -> str:
    return str(document.relative_to(PROJECT))


@cache
def parse(document: Path) -> list[Token]:
    """A document as tokens; each is parsed once."""
    return MARKDOWN.parse(document.read_text())


@cache
def blocks_of(document: Path) -> list[Block]:
    return read_blocks(name_of(document), document.read_text())


def all_blocks() -> list[Block]:
    return [block for path in documents() for block in blocks_of(path)]


def runs(blocks: list[Block]) -> Iterator[tuple[Block, str | None]]:
    """Each block that is to be run, with what it shall print, if that is told."""
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block.runs:
            told = following is not None and following.wish == "output"
            yield block, following.text if told and following else None


def matches(expected: str, said: str) -> bool:
    """Whether it is what was told; … stands for anything."""
    parts = [re.escape(part) for part in expected.strip().split("…")]
    return re.fullmatch(".*?".join(parts), said.strip(), re.S) is not None
