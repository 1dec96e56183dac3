import json

import pytest

from nodes import releases
from ota.domain import release_file
from ota.domain.release_file import BadReleaseFile, ReleaseFile

GOOD = ReleaseFile(
    version="1.2.0",
    python=">=3.11,<3.15",
    task_modules=("mytasks", "app.tasks"),
    requirements_sha256="a" * 64,
    lock="requirements.lock",
    lock_sha256="b" * 64,
)


def changed(**fields) -> bytes:
    body = json.loads(GOOD.write()) | fields
    return json.dumps(body, sort_keys=True, indent=1).encode() + b"\n"


def test_what_is_written_is_read():
    assert ReleaseFile.read(GOOD.write()) == GOOD


def test_a_release_without_a_lock_is_fine():
    text = changed(lock=None, lock_sha256="")

    assert ReleaseFile.read(text).lock is None


def test_a_version_is_what_nodes_take_for_a_release():
    assert release_file.VERSION.pattern == releases.NAME.pattern


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"version": "1 2"}, "version: '1 2'"),
        ({"version": "a" * 65}, "version"),
        ({"version": 1}, "version"),
        ({"python": "3;11"}, "python"),
        ({"task_modules": ["os; evil"]}, "task_modules: 'os; evil'"),
        ({"task_modules": "mytasks"}, "no list"),
        ({"requirements_sha256": "A" * 64}, "requirements_sha256"),
        ({"lock": None}, "there is no lock"),
        ({"lock": "../up"}, "lock: '../up'"),
        ({"lock_sha256": ""}, "lock_sha256"),
        ({"schema": 2}, "schema"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(fields, told):
    with pytest.raises(BadReleaseFile, match=r"^\.hive/release\.json: ") as caught:
        ReleaseFile.read(changed(**fields))

    assert told in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_nonsense_is_refused(text):
    with pytest.raises(BadReleaseFile):
        ReleaseFile.read(text)


def test_the_same_in_other_words_is_refused():
    with pytest.raises(BadReleaseFile, match="not written as"):
        ReleaseFile.read(GOOD.write().replace(b"\n", b"\r\n"))
