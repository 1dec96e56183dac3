"""What the documents show works: their blocks are compiled, parsed, and run against a Hive."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hive_site.configuration import PROJECT
from tests.databases import SERVER
from tests.documents import Block, all_blocks, matches, read_blocks, runs
from tests.end_to_end.colony import Colony
from tests.excuses import excuse

BLOCKS = all_blocks()
RUNS = list(runs(BLOCKS))
MINUTE = 60
#: Where documents say that the Nexus answers; that of the tests is elsewhere.
ADDRESSES = ("http://127.0.0.1:8000", "http://nexus:8000")


def named(blocks):
    return [pytest.param(block, id=block.name) for block in blocks]


def of_kind(kind):
    return named(block for block in BLOCKS if block.kind == kind)


@pytest.mark.parametrize("block", of_kind("python"))
def test_python_is_python(block):
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(block.text, block.name, "exec", flags=flags, dont_inherit=True)


@pytest.mark.parametrize("block", of_kind("json"))
def test_json_is_json(block):
    json.loads(block.text)


@pytest.mark.parametrize("block", of_kind("sh"))
def test_shell_is_shell(block):
    checked = subprocess.run(
        ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "text", ["python manage.py hive status", "hive submit demo.echo", "curl -s $URL/api/v1/jobs/"]
)
def test_what_could_be_run_has_no_excuse(text):
    assert not excuse(text)


class Reader:
    """Does what the documents say, next to a Hive that is up."""

    def __init__(self, place: Path) -> None:
        files = [block for block in BLOCKS if block.path]
        for block in files:
            path = place / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
        tasks = [block.path for block in files if block.path.endswith("tasks.py")]
        modules = [path.removesuffix(".py").replace("/", ".") for path in tasks]
        self.place = place
        path = f"{place}{os.pathsep}{PROJECT}"
        self.colony = Colony(place / "hive", HIVE_TASK_MODULES=",".join(modules), PYTHONPATH=path)
        ready = self.colony.stack.ready
        bin_, rest = Path(sys.executable).parent, os.environ["PATH"]
        self.env = self.colony.beside | {
            **{"URL": ready["nexus"], "KEY": ready["api_key"], "HIVE_KEY": ready["api_key"]},
            "HIVE_API_KEY": ready["api_key"],
            **{"PATH": f"{bin_}{os.pathsep}{rest}", "DJANGO_SETTINGS_MODULE": "hive_site.settings"},
        }
        (place / "manage.py").symlink_to(PROJECT / "manage.py")
        (place / "client.py").symlink_to(PROJECT / "jobs" / "client.py")
        # What a reader has who did as the quick start says.
        (place / "var").symlink_to(self.colony.stack.data)
        (self.colony.stack.data / "run" / "ready.json").write_text(json.dumps(ready))
        (place / ".venv").symlink_to(sys.prefix)

    def run(self, block: Block) -> subprocess.CompletedProcess[str]:
        text = block.text
        for address in ADDRESSES:
            text = text.replace(address, self.env["URL"])
        if block.kind == "sh":
            argv = ["bash", "-euo", "pipefail", "-c", text]
        elif block.wish == "run on nexus":
            argv = [sys.executable, "manage.py", "shell", "-v", "0", "-c", text]
        else:
            head = "import os; url, key = os.environ['URL'], os.environ['KEY']"
            argv = [sys.executable, "-c", f"{head}\n{text}"]
        return subprocess.run(
            argv,
            cwd=self.place,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=MINUTE,
            check=False,
        )


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    reader = Reader(tmp_path_factory.mktemp("docs"))
    yield reader
    reader.colony.stop()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("block", "told"), [pytest.param(block, told, id=block.name) for block, told in RUNS]
)
def test_what_is_shown_works(reader, block, told):
    if block.wish == "run on sqlite" and SERVER:
        pytest.skip("with PostgreSQL this takes another word, as the document says")
    ran = reader.run(block)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    if told is not None:
        assert matches(told, ran.stdout), f"it said:\n{ran.stdout}\nand not:\n{told}"


def test_files_of_the_documents_do_not_overwrite_each_other():
    paths = [block.path for block in BLOCKS if block.path]

    assert len(paths) == len(set(paths))


DOCUMENT = """
<!-- run -->
```python
print(1)
```

<!-- output -->
```
…1
```
```sh
docker ps
```
<!-- file: orchard/tasks.py -->
```python
x = 1
```

A command:

    ls -l

and none:

    ALTER TABLE x

<!-- run -->

    docker ps
"""


def test_blocks_are_found_with_what_is_wanted_of_them():
    blocks = read_blocks("a.md", DOCUMENT)

    assert [(b.line, b.kind, b.wish, b.path) for b in blocks] == [
        (3, "python", "run", ""),
        (8, "", "output", ""),
        (11, "sh", "", ""),
        (15, "python", "file: orchard/tasks.py", "orchard/tasks.py"),
        (21, "sh", "", ""),
        (25, "", "", ""),
        (29, "sh", "run", ""),
    ]
    assert [(b.name, told) for b, told in runs(blocks)] == [
        ("a.md:3", "…1\n"),
        ("a.md:21", None),
        ("a.md:29", None),
    ]


@pytest.mark.parametrize("wish", ["runn", "output", "run on nexus"])
def test_a_wish_that_nobody_knows_is_told(wish):
    with pytest.raises(ValueError, match=f"a.md:2: nothing is known of <!-- {wish} --> for sh"):
        read_blocks("a.md", f"<!-- {wish} -->\n```sh\nls\n```\n")


@pytest.mark.parametrize(
    ("told", "said", "same"),
    [("1\n", "1", True), ("a … c", "a b\nb c\n", True), ("1", "11", False), ("[1]", "[1]", True)],
)
def test_output_is_compared_but_for_what_is_left_out(told, said, same):
    assert matches(told, said) is same
