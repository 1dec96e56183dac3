"""How people are told to call the command line."""

import sys

import pytest

from hive_site.commands.calling import manage_py


@pytest.fixture
def python(tmp_path, monkeypatch):
    path = tmp_path / ".venv" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    return path


def test_in_its_environment_python_will_do(python, monkeypatch):
    monkeypatch.setenv("PATH", str(python.parent))

    assert manage_py() == "python manage.py"


def test_outside_of_it_the_way_is_told(python, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)

    assert manage_py() == ".venv/bin/python manage.py"


def test_from_elsewhere_the_whole_way_is_told(python, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert manage_py() == f"{tmp_path}/.venv/bin/python manage.py"
