import stat
from pathlib import Path

import dj_database_url
import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.configuration import find_secret, make_data_dir, sqlite_url
from hive_site.kernel.env import Env


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
