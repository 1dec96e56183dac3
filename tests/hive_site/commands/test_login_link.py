import json
from dataclasses import replace

import pytest

from hive_site.commands import login_link

pytestmark = pytest.mark.django_db
NOBODY = {"user": "", "role": ""}


@pytest.fixture
def data(settings, tmp_path):
    """The data directory of the Hive."""
    settings.HIVE = replace(settings.HIVE, data=tmp_path, nexus_url="http://hive.example")
    return tmp_path


def test_a_link_logs_in_once(data, capsys, client):
    assert login_link.run({**NOBODY, "json": False}) == 0

    path = capsys.readouterr().out.strip().removeprefix("http://hive.example")
    assert client.post(path).headers["Location"] == "/"
    assert client.post(path).headers["Location"] == "/login/"


def test_beside_a_hive_that_is_up_the_link_leads_to_it(data, capsys):
    (data / "run").mkdir()
    (data / "run" / "ready.json").write_text('{"nexus": "http://127.0.0.1:41999"}')

    login_link.run({**NOBODY, "json": True})

    link = json.loads(capsys.readouterr().out)["login_url"]
    assert link.startswith("http://127.0.0.1:41999/")


def test_a_link_can_be_for_somebody_with_a_role(data, capsys, client, django_user_model):
    login_link.run({"user": "ann", "role": "viewer", "json": False})
    path = capsys.readouterr().out.strip().removeprefix("http://hive.example")
    client.post(path)

    assert client.get("/api/v1/nodes/").status_code == 200
    assert client.post("/api/v1/nodes/spore-1/drain/").status_code == 403
