"""The fenced blocks of the documents, and what a comment on the line above one wants of it.

<!-- run -->            run it: python as a script, sh with bash
<!-- run on nexus -->   python that runs beside the Nexus, in `manage.py shell`
<!-- output -->         what the block that was run before prints; … stands for anything
<!-- file: a/tasks.py -->  a file that is there before the Hive starts; a `tasks.py` is loaded by it
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hive_site.configuration import PROJECT

BLOCK = re.compile(
    r"^(?:<!-- (?P<wish>[^\n]*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
KINDS = {"run": {"python", "sh"}, "run on nexus": {"python"}, "output": {"", "text", "json"}}


@dataclass(frozen=True)
class Block:
    """One fenced block."""

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
        return self.wish.startswith("run")


def read_blocks(document: str, text: str) -> list[Block]:
    """All blocks of a document, in order. Raises `ValueError` for a wish that is none."""
    blocks = []
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("kind")) + 1
        block = Block(document, line, found["kind"], found["text"], found["wish"] or "")
        if block.wish and not block.path and block.kind not in KINDS.get(block.wish, ()):
            raise ValueError(
                f"{block.name}: nothing is known of <!-- {block.wish} --> for {block.kind}"
            )
        blocks.append(block)
    return blocks


def documents() -> list[Path]:
    guides = sorted((PROJECT / "docs" / "guide").glob("*.md"))
    return [PROJECT / "README.md", PROJECT / "docs" / "guide.md", *guides]


def all_blocks() -> list[Block]:
    return [
        block
        for path in documents()
        for block in read_blocks(str(path.relative_to(PROJECT)), path.read_text())
    ]


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
