import stat
import sys
from pathlib import Path

import pytest

from hive_site.kernel.envelope import node_key
from hive_site.stack.recipes import MANAGE, Recipes, Surroundings, own_names

GIVEN = {
    "PATH": "/bin",
    "SECRET_KEY": "nexus-secret",
    "SECRET_KEY_FILE": "/x",
    "HIVE_FLEET_KEY": "fleet-secret",
    "DATABASE_URL": "postgres://hive:db-secret@db/hive",
    "REDIS_PASSWORD": "other-secret",
    "HIVE_WEBHOOK_SECRET": "whsec_secret",
    "DJANGO_SETTINGS_MODULE": "hive_site.settings",
    "HIVE_TASK_TIMEOUT": "7",
}


def place(data: Path, *, host: str = "127.0.0.1", **given: str) -> Surroundings:
    return Surroundings(data, host, 8000, "redis://r", {**GIVEN, **given})


def test_a_spore_gets_nothing_that_belongs_to_the_nexus(tmp_path):
    env = Recipes().spore(place(tmp_path), "spore-1", slots=2).env

    assert not {name for name, value in env.items() if "secret" in value}
    assert "SECRET_KEY_FILE" not in env
    assert "DJANGO_SETTINGS_MODULE" not in env
    assert env["HIVE_TASK_TIMEOUT"] == "7"
    assert env["HIVE_DATA_DIR"] == str(tmp_path / "spores" / "spore-1")


def test_a_spore_has_its_own_key_in_a_file_for_the_owner_only(tmp_path):
    env = Recipes().spore(place(tmp_path), "spore-1", slots=1).env

    path = Path(env["HIVE_NODE_KEY_FILE"])
    assert path.read_text() == node_key("fleet-secret", "spore-1").hex()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_changed_fleet_key_changes_the_keys_of_the_nodes(tmp_path):
    Recipes().spore(place(tmp_path), "spore-1", slots=1)

    env = Recipes().spore(place(tmp_path, HIVE_FLEET_KEY="newer"), "spore-1", slots=1).env

    assert Path(env["HIVE_NODE_KEY_FILE"]).read_text() == node_key("newer", "spore-1").hex()


def test_a_spore_is_its_own_process_with_the_flags_of_the_contract(tmp_path):
    recipe = Recipes().spore(place(tmp_path), "spore-1", slots=2)

    home = str(tmp_path / "spores" / "spore-1")
    flags = ["rqworker", "--name", "spore-1", "--slots", "2", "--home", home]
    assert recipe.argv == [sys.executable, MANAGE, *flags]


def test_tasks_that_use_the_orm_get_the_database(tmp_path):
    asked = place(tmp_path, HIVE_SPORE_DATABASE="1")

    env = Recipes().spore(asked, "spore-1", slots=1).env

    assert env["DATABASE_URL"] == GIVEN["DATABASE_URL"]


def test_the_database_is_a_file_in_the_data_directory_unless_another_is_named(tmp_path):
    assert place(tmp_path, DATABASE_URL="").database_url == f"sqlite:///{tmp_path}/hive.sqlite3"
    assert place(tmp_path).nexus_env()["DATABASE_URL"] == GIVEN["DATABASE_URL"]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("hive.lab", "http://hive.lab:8000"),
    ],
)
def test_the_nexus_has_an_address_that_this_machine_reaches(tmp_path, host, url):
    assert place(tmp_path, host=host).nexus_url == url


def test_the_nexus_answers_to_the_host_it_listens_on_and_to_no_other():
    assert own_names("10.0.0.5") == ["127.0.0.1", "localhost", "[::1]", "10.0.0.5"]
    assert "*" not in own_names("0.0.0.0")


def test_hosts_that_were_given_stay_as_they_are(tmp_path):
    assert (
        place(tmp_path, ALLOWED_HOSTS="hive.example").nexus_env()["ALLOWED_HOSTS"] == "hive.example"
    )


def test_secrets_do_not_show_when_something_is_printed(tmp_path):
    here = place(tmp_path)

    printed = repr(here) + repr(Recipes().nexus(here))

    assert not [value for value in GIVEN.values() if "-secret" in value and value in printed]


def test_names_of_the_site_may_come_from_a_file(tmp_path):
    (tmp_path / "hosts").write_text("hive.example\n")

    env = place(tmp_path, ALLOWED_HOSTS_FILE=str(tmp_path / "hosts")).nexus_env()

    assert env["ALLOWED_HOSTS"] == "hive.example"
