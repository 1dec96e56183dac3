import fcntl
import subprocess
import sys

import pytest

from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Invalid
from hive_site.launching import is_managed, take_home

SPORE = ["manage.py", "rqworker", "--name", "bee", "--slots", "2"]


@pytest.mark.parametrize("home", [["--home", "/h"], ["--home=/h"]])
@pytest.mark.parametrize(
    "more", [[], ["-v", "2"], ["--verbosity", "2"], ["--settings", "a.b"], ["--burst"]]
)
def test_a_spore_with_a_home_is_managed_whatever_else_it_is_given(home, more):
    assert is_managed([*SPORE, *home, *more], {})
    assert is_managed([*SPORE, *more, *home], {})


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (SPORE, {}),
        ([*SPORE, "-v", "2"], {}),
        ([*SPORE, "--home", "/h", "--help"], {}),
        ([*SPORE, "--home", "/h"], {"HIVE_LAUNCHER_FDS": "3,4"}),
        (["manage.py", "rqworker", "mail", "--home", "/h"], {}),
        (["manage.py", "foreman", "--home", "/h"], {}),
    ],
)
def test_nothing_else_is(argv, environ):
    assert not is_managed(argv, environ)


def test_one_home_has_one_launcher(tmp_path):
    take_home(tmp_path)

    with (tmp_path / "ota" / "lock").open() as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(Invalid, match="another Spore runs there; give each its own --home"):
        take_home(tmp_path)


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(Invalid, match=r"--home .*file/home: Not a directory; give a directory"):
        take_home(tmp_path / "file" / "home")


def test_a_launcher_carries_nothing_that_it_does_not_need():
    script = "import sys, hive_site.launching; print(' '.join(sys.modules))"

    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    loaded = set(ran.stdout.split())
    heavy = {"redis", "rq", "tuf", "structlog", "django.db", "django.conf", "jobs", "limits"}
    heavy |= {"urllib3", "packaging", "zipfile", "asyncio"}
    assert loaded & heavy == set()
