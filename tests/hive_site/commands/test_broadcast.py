import json

import pytest

from hive_site.commands import broadcast
from hive_site.kernel.errors import Invalid
from nodes import answers
from nodes.models import Acknowledgement, Broadcast, Node

pytestmark = pytest.mark.django_db
PLAIN = {"command": "PING", "nodes": None, "data": [], "wait": 0.0, "json": False}


@pytest.fixture
def run(redis, capsys):
    """Runs `hive broadcast`; its exit code and what it printed."""

    def start(**options):
        code = broadcast.run({**PLAIN, **options})
        return code, capsys.readouterr()

    return start


@pytest.fixture
def answering(monkeypatch):
    """Every node answers at once."""

    def answers_with(ok: bool):
        def wait(row, *, seconds):
            for name in row.nodes:
                Acknowledgement.objects.create(
                    broadcast=row, node=name, ok=ok, at=row.created_at, data='{"n": 1}'
                )
            return True

        monkeypatch.setattr(answers, "await_answers", wait)

    return answers_with


def test_every_answer_is_a_line(run, answering):
    Node.objects.create(name="a")
    answering(True)

    code, printed = run()

    assert (code, printed.out, printed.err) == (0, 'a  ok  {"n": 1}\n', "")


def test_who_is_silent_is_named_and_the_exit_code_says_so(run):
    Node.objects.create(name="a")

    code, printed = run()

    assert (code, printed.out) == (1, "a  –\n")
    assert "1 of 1 have not answered yet; GET /api/v1/broadcasts/bc_" in printed.err


def test_a_refusal_is_a_failure(run, answering):
    Node.objects.create(name="a")
    answering(False)

    code, printed = run()

    assert (code, printed.out) == (1, 'a  refused  {"n": 1}\n')


def test_nodes_and_data_are_passed_on_and_json_is_one_document(run):
    for name in "abc":
        Node.objects.create(name=name)

    code, printed = run(nodes="a, b", data=["n=1", "text=x"], json=True)

    view = json.loads(printed.out)
    assert view["acknowledgements"] == {"a": None, "b": None}
    assert (view["data"], code) == ({"n": 1, "text": "x"}, 1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"command": "EXPLODE"}, "command: 'EXPLODE'; give one of PING"),
        ({"nodes": "x"}, "nodes.0: no node is named 'x'"),
        ({"nodes": ""}, "nodes: give a list"),
        ({"data": ["n"]}, "--data 'n': give name=value"),
    ],
)
def test_wrong_use_is_explained(run, options, reason):
    with pytest.raises(Invalid, match=reason):
        run(**options)
    assert not Broadcast.objects.exists()
