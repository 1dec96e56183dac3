import re
import stat
from pathlib import Path

import dj_database_url
import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.configuration import (
    make_data_dir,
    read_options,
    sqlite_url,
)
from hive_site.kernel.env import Env
from hive_site.logs import process_name
from hive_site.own_secrets import find_secret


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", ["plain", "a b", "dät 🐝", "100%41", "a#b", "a?b=c", "a&b+c;d"])
def test_the_database_lies_in_the_data_directory_whatever_that_is_called(tmp_path, name):
    database = dj_database_url.parse(sqlite_url(tmp_path / name))

    assert database["NAME"] == str(tmp_path / name / "hive.sqlite3")


def test_a_new_data_directory_and_its_database_are_for_the_owner_only(tmp_path):
    make_data_dir(tmp_path / "new")

    assert mode(tmp_path / "new") == 0o700
    assert mode(tmp_path / "new" / "hive.sqlite3") == 0o600


def test_a_data_directory_that_was_there_keeps_its_mode_and_its_database(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "hive.sqlite3").write_text("rows")

    make_data_dir(tmp_path)

    assert mode(tmp_path) == 0o755
    assert (tmp_path / "hive.sqlite3").read_text() == "rows"


def test_a_secret_makes_its_data_directory_for_the_owner_only(tmp_path):
    secret = find_secret(Env({}), "SECRET_KEY", tmp_path / "new" / "secrets" / "secret_key")

    assert secret == (tmp_path / "new" / "secrets" / "secret_key").read_text()
    assert mode(tmp_path / "new") == 0o700


def test_a_data_directory_that_cannot_be_is_named_with_the_way_out(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=r"HIVE_DATA_DIR=.*file: File exists; give"):
        make_data_dir(tmp_path / "file")
    with pytest.raises(ImproperlyConfigured, match="give SECRET_KEY, or a HIVE_DATA_DIR"):
        find_secret(Env({}), "SECRET_KEY", tmp_path / "file" / "secrets" / "secret_key")


def test_a_given_secret_needs_no_directory(tmp_path):
    (tmp_path / "file").touch()
    env = Env({"SECRET_KEY": "given"})

    assert find_secret(env, "SECRET_KEY", tmp_path / "file" / "secrets" / "key") == "given"


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"REDIS_PORT": "70000"}, "REDIS_PORT='70000': give a whole number, 1 to 65535"),
        ({"HIVE_MAX_RETRIES": "5000"}, "HIVE_MAX_RETRIES='5000': give a whole number, 0 to 1000"),
        ({"HIVE_TASK_TIMEOUT": "9" * 10}, "HIVE_TASK_TIMEOUT='9999999999': give a whole number"),
        ({"HIVE_RESULT_TTL": "9" * 11}, "give a whole number, 1 to 3153600000"),
        ({"HIVE_JOB_TTL": "9" * 11}, "HIVE_JOB_TTL='99999999999': give a whole number"),
        ({"HIVE_ZOMBIE_TASK_TIMEOUT": "9" * 11}, "HIVE_ZOMBIE_TASK_TIMEOUT='99999999999': give"),
        ({"HIVE_HIGH_PRIORITY_QUEUE": "background"}, "HIVE_BACKGROUND_QUEUE='background': give it"),
        ({"HIVE_NEXUS_URL": "hive.example"}, "HIVE_NEXUS_URL='hive.example': give an address"),
        ({"HIVE_API_RATE": "many"}, "HIVE_API_RATE='many': give a rate like 100/second"),
        ({"HIVE_LLM_URL": "ftp://llm"}, "HIVE_LLM_URL='ftp://llm': give an address"),
        ({"HIVE_TASK_MODULES": "json,no.such"}, "HIVE_TASK_MODULES='no.such': there is no such"),
        ({"HIVE_TASK_MODULES": "..json"}, "HIVE_TASK_MODULES='..json': there is no such"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name_and_the_rule(variables, complaint):
    with pytest.raises(ImproperlyConfigured, match=re.escape(complaint)):
        read_options(Env(variables))


@pytest.mark.parametrize(
    "url", [":s3cret@host:1", "http://s3cret@host", "redis://:s3/cret@host:1/0", "redis://h:99999"]
)
def test_an_address_of_redis_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL: give an address") as refusal:
        read_options(Env({"REDIS_URL": url}))

    assert "cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "url", ["redis://h", "rediss://:p%2Fw@h:1/2", "unix:///run/redis.sock", "redis://[::1]:6379/0"]
)
def test_every_kind_of_address_of_redis_is_taken(url):
    assert read_options(Env({"REDIS_URL": url})).redis_url == url


@pytest.mark.parametrize("name", ["HIVE_DATA_DIR", "HIVE_WEIGHTS", "HIVE_HIGH_PRIORITY_QUEUE"])
def test_an_empty_variable_is_as_good_as_none(name):
    # docker compose writes NAME= for what is not set
    assert read_options(Env({name: ""})) == read_options(Env({}))


def test_an_empty_variable_does_not_hide_its_file(tmp_path):
    (tmp_path / "key").write_text("from a file")

    env = Env({"SECRET_KEY": "", "SECRET_KEY_FILE": str(tmp_path / "key")})

    assert env.text("SECRET_KEY") == "from a file"


def test_the_foreman_does_not_speak_for_the_nexus_in_the_log():
    assert process_name(["manage.py", "foreman", "--once"]) == "foreman"
    assert process_name(["uvicorn", "hive_site.asgi:application"]) == "nexus"
    assert process_name(["uvicorn"]) == "nexus"
