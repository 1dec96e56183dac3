import io
import json
from pathlib import Path
from threading import Event

import pytest

from hive_site.commands import demo
from hive_site.demo.screen import LiveScreen, PlainScreen
from hive_site.demo.story import Outcome
from hive_site.kernel.errors import Invalid

JOB = {
    **{"id": "job_1", "state": "succeeded", "result": "# Digest of 2 articles\n"},
    "progress": {"total": 2, "succeeded": 2, "failed": 0},
}
READY = {"nexus": "http://127.0.0.1:1", "login_url": "http://127.0.0.1:1/login/x/"}


class Stack:
    """Where a run leaves its digest, and how people reach it."""

    def __init__(self, data: Path) -> None:
        self.data, self.ready, self.interrupt = data, READY, Event()


def outcome(**changes) -> Outcome:
    fields = {"job": JOB, "results": [], "busy": 12.3456, "wall": 3.0001}
    return Outcome(**{**fields, "spores": ["spore-1", "spore-2"], **changes})


def test_addresses_come_one_a_line_and_comments_are_skipped(tmp_path):
    file = tmp_path / "urls"
    file.write_text("# mine\nhttp://a.example/\n\n  https://b.example/ \n")

    assert demo.read_urls(file) == ["http://a.example/", "https://b.example/"]


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "it holds no address"), (b"# only\n", "it holds no address")]
)
def test_a_file_without_an_address_is_refused(tmp_path, content, said):
    file = tmp_path / "urls"
    file.write_bytes(content)

    with pytest.raises(Invalid, match=said):
        demo.read_urls(file)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path):
    with pytest.raises(Invalid, match="No such file"):
        demo.read_urls(tmp_path / "urls")
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    with pytest.raises(Invalid, match="give a file with an address a line"):
        demo.read_urls(tmp_path / "picture")


def test_killing_the_only_spore_is_refused_for_nobody_could_do_its_work():
    options = {"spores": 1, "chaos": True, "urls": None, "json": True, "keep": False}

    with pytest.raises(Invalid, match="--spores 2"):
        demo.run(options)


def test_programs_and_pipes_see_no_bars(monkeypatch):
    monkeypatch.setattr("sys.stdout", io.StringIO())

    assert isinstance(demo.build_screen({"json": False}, {}), PlainScreen)
    assert isinstance(demo.build_screen({"json": True}, {}), PlainScreen)


def test_people_at_a_terminal_see_bars(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdout", Terminal())

    assert isinstance(demo.build_screen({"json": False}, {}), LiveScreen)
    assert isinstance(demo.build_screen({"json": True}, {}), PlainScreen)


def test_programs_get_one_document_and_the_digest_as_a_file(tmp_path, capsys):
    demo.tell_outcome(Stack(tmp_path), outcome(killed="spore-2"), {}, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert told == {
        **{"job": "job_1", "state": "succeeded", "total": 2, "succeeded": 2, "results": []},
        **{"wall_seconds": 3.0, "busy_seconds": 12.346, "speed_up": 4.12, "spores": 2},
        **{"killed": "spore-2", "digest": str(tmp_path / "digest.md")},
    }
    assert (tmp_path / "digest.md").read_text() == JOB["result"]


def test_people_are_told_who_was_killed_and_how_to_go_on(tmp_path, capsys):
    demo.tell_outcome(Stack(tmp_path), outcome(killed="spore-2"), {}, as_json=False)

    said = capsys.readouterr().out
    assert "spore-2 was killed on the way" in said
    assert "python manage.py hive up" in said


def test_where_nothing_was_killed_nothing_is_told_of_it():
    assert demo.describe(outcome())["killed"] is None


def test_a_hive_that_is_kept_tells_where_it_is_until_somebody_stops_it(tmp_path, capsys):
    stack = Stack(tmp_path)
    stack.interrupt.set()

    demo.keep(stack, as_json=False)
    demo.keep(stack, as_json=True)

    said = capsys.readouterr().out
    assert said.count(READY["nexus"] + " ") == 1
    assert READY["login_url"] in said
