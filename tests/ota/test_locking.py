import os

import pytest

from ota import locking
from ota.archive import Source
from ota.domain.requirements import digest_requirements, is_lock_for
from ota.locking import NoLock, find_lock, write_own_lock
from tests.ota.projects import LOCK, REQUIREMENTS

HASH = "c" * 64


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A program that stands for uv: answers as it would, or fails as it would offline."""

    def install(answer: str, code: int = 0) -> None:
        program = tmp_path / "uv"
        program.write_text(f"#!/bin/sh\ncat > {tmp_path}/asked\necho '{answer}'\nexit {code}\n")
        program.chmod(0o755)
        monkeypatch.setattr("uv.find_uv_bin", lambda: os.fspath(program))

    return install


def tree(**files: str) -> dict[str, Source]:
    return {name.replace("_", "."): Source(text.encode()) for name, text in files.items()}


def test_a_lock_that_fits_is_taken_as_it_is(tmp_path):
    found = find_lock(
        tree(requirements_txt=REQUIREMENTS, requirements_lock=LOCK), python="", kept=tmp_path
    )

    assert found.decode() == LOCK


def test_else_one_is_made_and_kept(tmp_path, uv):
    uv(f"wasp==2.0 --hash=sha256:{HASH}")
    stale = tree(requirements_txt="wasp==2.0\n", requirements_lock=LOCK)

    found = find_lock(stale, python=">=3.11", kept=tmp_path / "kept")

    assert is_lock_for(found.decode(), "wasp==2.0")
    assert (tmp_path / "asked").read_text() == "wasp==2.0\n"
    uv("", code=1)
    assert find_lock(stale, python=">=3.11", kept=tmp_path / "kept") == found
    name = f"{digest_requirements('wasp==2.0')}.lock"
    assert (tmp_path / "kept" / name).read_bytes() == found


def test_offline_there_is_none_and_the_reason_is_told(tmp_path, uv):
    uv("", code=2)

    with pytest.raises(NoLock, match="uv cannot make one"):
        find_lock(tree(requirements_txt="wasp==2.0"), python="", kept=tmp_path / "kept")

    assert not (tmp_path / "kept").exists()


def test_uv_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: os.fspath(program))
    monkeypatch.setattr(locking, "MAKE_SECONDS", 0.2)

    with pytest.raises(NoLock, match=r"more than 0\.2 s"):
        find_lock(tree(requirements_txt="wasp==2.0"), python="", kept=tmp_path)


def test_a_project_writes_its_own(tmp_path, uv):
    uv(f"wasp==2.0 --hash=sha256:{HASH}")
    (tmp_path / "requirements.txt").write_text("wasp==2.0\n")
    (tmp_path / "pyproject.toml").write_text('requires-python = ">=3.11"\n')

    text = write_own_lock(tmp_path).read_text()

    assert is_lock_for(text, "wasp==2.0\n")
