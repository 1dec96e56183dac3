import json
import stat

import pytest

from hive_site.commands import prepare
from nodes.models import ApiKey
from nodes.services import find_api_key, revoke_api_keys

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secrets" / "api_key"


def test_the_first_key_may_do_everything_and_only_its_owner_can_read_it(path):
    secret = prepare.first_api_key(path)

    assert find_api_key(secret).scopes == ["submit", "read", "control", "ota", "pickle"]
    assert path.read_text() == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_another_start_finds_the_same_key(path):
    assert prepare.first_api_key(path) == prepare.first_api_key(path)
    assert ApiKey.objects.count() == 1


def test_a_key_that_was_revoked_is_replaced(path):
    old = prepare.first_api_key(path)
    revoke_api_keys(ApiKey.objects.all())

    fresh = prepare.first_api_key(path)

    assert fresh != old
    assert find_api_key(fresh)


def test_a_key_that_the_database_does_not_know_is_replaced(path):
    """As when somebody deleted the database and kept the secrets."""
    path.parent.mkdir()
    path.write_text("hive_of_another_database\n")

    assert find_api_key(prepare.first_api_key(path))


def test_it_prints_one_document_with_a_key_and_a_link(settings, tmp_path, capsys, client):
    settings.SECRETS = tmp_path

    assert prepare.run({"json": True}) == 0

    told = json.loads(capsys.readouterr().out)
    assert find_api_key(told["api_key"])
    path = told["login_url"].removeprefix(settings.HIVE.nexus_url)
    assert client.get(path).headers["Location"] == "/"
