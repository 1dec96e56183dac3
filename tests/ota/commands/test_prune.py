import json

import pytest

from ota.models import Release
from ota.services.publishing import publish
from tests.ota.commands.verbs import run
from tests.ota.projects import package


@pytest.fixture
def releases(desk, tmp_path):
    return [publish(package(tmp_path, f"1.{n}"), channel="dev", who="ann") for n in range(7)]


def test_five_stay_unless_told(releases, capsys):
    assert run("prune", "--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["dry_run"], told["releases"]) == (False, ["1.0", "1.1"])
    assert Release.objects.filter(state="purged").count() == 2


def test_a_look_says_what_would_go(releases, capsys):
    assert run("prune", "--keep", "6", "--dry-run") == 0

    assert "release 1.0 would be forgotten\nreleases: 1, " in capsys.readouterr().out
    assert not Release.objects.filter(state="purged").exists()


@pytest.mark.parametrize("keep", ["-1", "x", "1.5"])
def test_a_number_that_is_none_is_wrong_use(db, keep, capsys):
    with pytest.raises(SystemExit):
        run("prune", f"--keep={keep}")

    assert "give a whole number" in capsys.readouterr().err
