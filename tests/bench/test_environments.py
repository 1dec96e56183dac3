import sys

import pytest

from bench.environments import MARK, install, read_pins, require_environment


def test_versions_are_read_without_extras_and_comments():
    pins = read_pins("celery")

    assert pins["celery"] == "5.7.0"
    assert all(name.strip("#") == name for name in pins)


def test_what_is_installed_is_not_installed_again(tmp_path):
    said = []
    (tmp_path / "toy.txt").write_text("toy==1\n")
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / MARK).write_text(f"{sys.version}\ntoy==1\n")

    programs = require_environment("toy", say=said.append, home=tmp_path, pins=tmp_path)

    assert (programs, said) == (tmp_path / "toy" / "bin", [])


@pytest.mark.processes
def test_what_cannot_be_installed_is_named_and_tried_again_the_next_time(tmp_path):
    (tmp_path / "toy.txt").write_text("--no-index\nno-such-toy==1\n")
    said = []

    for _ in range(2):
        found, missing = install(["toy", "toy"], say=said.append, home=tmp_path, pins=tmp_path)

        assert found == {}
        assert missing["toy"].startswith("toy cannot be installed: ")
        assert "no-such-toy" in missing["toy"]

    assert said == [f"installing toy into {tmp_path / 'toy'}"] * 2
