import io
import os
import subprocess
import zipfile
from dataclasses import replace
from subprocess import TimeoutExpired

import pytest

from hive_site.kernel.errors import Invalid
from ota import building, sources
from ota.building import build
from ota.domain.release_file import PATH, ReleaseFile
from tests.ota.projects import FILES, LOCK, wish, write

TASKS = "from jobs.hive import task\n\n\n@task(name='a.b')\ndef b(ctx, item): ...\n"


def names(built) -> set[str]:
    return set(built.manifest.by_path)


def contents(built, name: str) -> bytes:
    return zipfile.ZipFile(io.BytesIO(built.data)).read(name)


def test_a_package_holds_the_project_and_says_what_it_is(tmp_path):
    built = build(wish(tmp_path, version="1.2.0"))

    about = ReleaseFile.read(contents(built, PATH))
    assert names(built) == {*FILES, PATH}
    assert (about.version, about.python, about.lock) == ("1.2.0", ">=3.11", "requirements.lock")
    assert contents(built, "requirements.lock").decode() == LOCK


def test_the_same_tree_is_the_same_bytes_wherever_and_whenever_it_lies(tmp_path):
    first = build(wish(tmp_path / "here"))
    elsewhere = wish(tmp_path / "there")
    for place in elsewhere.project.rglob("*"):
        os.utime(place, (1, 1))
        place.chmod(0o700 if place.is_dir() else 0o600)

    assert build(elsewhere).data == first.data


def test_a_program_stays_one(tmp_path):
    made = wish(tmp_path)
    (made.project / "manage.py").chmod(0o755)

    assert build(made).manifest.by_path["manage.py"].mode == 0o755


@pytest.mark.parametrize(
    "name",
    [
        *(".env", ".env.production", "tls.pem", "deep/er/private.key", "node.key"),
        *("hive.sqlite3", "hive.sqlite3-wal", "var/secrets/fleet_key", ".venv/bin/python"),
        *("app/.git/config", "app/__pycache__/tasks.py", "old.pyc", "tests/test_a.py", "docs/a.md"),
        *("bench/a.py", "hive-0.9.zip", "hive-0.9.zip.targets.json", ".hive/manifest.json"),
        *(".mypy_cache/a", "node_modules/a.js", ".ssh/id_ed25519", ".ssh/config", ".ENV"),
        *(".envrc", "prod.env", "db.sqlite3", "db.sqlite3-journal", "app/Keys/TLS.PEM", ".pgpass"),
    ],
)
def test_secrets_leavings_and_data_stay_at_home(tmp_path, name):
    made = wish(tmp_path)
    write(made.project, {name: "x"})

    assert names(build(made)) == {*FILES, PATH}


def test_the_data_directory_stays_at_home_whatever_it_is_called(tmp_path):
    made = wish(tmp_path)
    write(made.project, {"state/blob": "x"})

    assert "state/blob" not in names(build(replace(made, data=made.project / "state")))


def test_the_data_of_another_nexus_in_the_project_stays_at_home(tmp_path):
    made = wish(tmp_path)
    write(made.project, {"old/state/secrets/fleet_key": "s", "old/state/blobs/a": "x"})
    write(made.project, {"old/plain.py": ""})

    assert names(build(made)) == {*FILES, PATH, "old/plain.py"}


def test_the_data_directory_within_what_is_laid_over_stays_at_home(tmp_path):
    patch = write(tmp_path / "patch", {"more.py": "", "state/blob": "x"})
    made = wish(tmp_path, patch)

    assert "state/blob" not in names(build(replace(made, data=patch / "state")))


@pytest.mark.parametrize("known", [True, False])
def test_a_data_directory_is_no_project(tmp_path, known):
    made = wish(tmp_path)
    if known:
        made = replace(made, data=made.project)
    else:
        write(made.project, {"secrets/fleet_key": "s"})

    with pytest.raises(Invalid, match="is the data directory of a Nexus"):
        build(made)


def test_tests_come_along_if_they_are_wanted(tmp_path):
    made = wish(tmp_path, with_tests=True)
    write(made.project, {"tests/test_a.py": "x"})

    assert "tests/test_a.py" in names(build(made))


def test_an_application_called_docs_is_no_documentation(tmp_path):
    made = wish(tmp_path)
    write(made.project, {"docs/__init__.py": "", "docs/models.py": ""})

    assert "docs/models.py" in names(build(made))


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True)


def test_what_git_ignores_stays_at_home_and_what_it_does_not_know_comes_along(tmp_path):
    made = wish(tmp_path)
    git(made.project, "init", "-q")
    write(made.project, {".gitignore": "*.log\n", "a.log": "x", "new.py": "", "gone.py": ""})
    git(made.project, "add", "gone.py")
    (made.project / "gone.py").unlink()

    assert names(build(made)) == {*FILES, PATH, ".gitignore", "new.py"}


def test_a_project_that_git_ignores_as_a_whole_is_packed_all_the_same(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, {".gitignore": "project/\n"})

    assert names(build(wish(tmp_path))) == {*FILES, PATH}


def test_a_repository_that_git_does_not_read_is_not_packed_with_all_that_it_ignores(tmp_path):
    made = wish(tmp_path)
    git(made.project, "init", "-q")
    write(made.project, {".gitignore": "secrets.py\n", "secrets.py": "", ".git/HEAD": "broken"})

    with pytest.raises(Invalid, match="git does not say what it ignores"):
        build(made)


@pytest.mark.parametrize("fault", [FileNotFoundError("no git"), TimeoutExpired("git", 30)])
def test_without_git_a_repository_is_not_packed_with_all_that_it_ignores(
    tmp_path, monkeypatch, fault
):
    made = wish(tmp_path)
    git(made.project, "init", "-q")
    write(made.project, {".gitignore": "secrets.py\n", "secrets.py": ""})

    def fail(*arguments, **options):
        raise fault

    monkeypatch.setattr(sources.subprocess, "run", fail)

    with pytest.raises(Invalid, match="git does not say what it ignores"):
        build(made)


def test_a_repository_within_another_comes_along_without_what_it_ignores(tmp_path):
    made = wish(tmp_path)
    git(made.project, "init", "-q")
    write(made.project, {"vendored/a.py": "", "vendored/.gitignore": "b.py\n", "vendored/b.py": ""})
    git(made.project / "vendored", "init", "-q")

    assert "vendored/a.py" in names(build(made))
    assert "vendored/b.py" not in names(build(made))


@pytest.mark.parametrize("target", ["app/tasks.py", "app", "/etc/passwd", "nowhere"])
@pytest.mark.parametrize("in_git", [False, True])
def test_a_link_is_refused_by_its_name(tmp_path, target, in_git):
    made = wish(tmp_path)
    (made.project / "app" / "link").symlink_to(target)
    if in_git:
        git(made.project, "init", "-q")

    with pytest.raises(Invalid, match="app/link is a symbolic link"):
        build(made)


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path):
    made = wish(tmp_path)
    os.mkfifo(made.project / "pipe")

    with pytest.raises(Invalid, match="pipe is no regular file"):
        build(made)


@pytest.mark.parametrize("name", ["sitecustomize.py", "evil.pth", "what?.py", "a\\b.py", "nul.py"])
def test_a_name_that_nodes_refuse_is_refused_here(tmp_path, name):
    made = wish(tmp_path)
    write(made.project, {name: ""})

    with pytest.raises(Invalid, match="nodes would refuse it"):
        build(made)


def test_a_file_that_looks_like_a_bomb_is_refused_here(tmp_path):
    made = wish(tmp_path)
    write(made.project, {"zeros": "0" * 2_000_000})

    with pytest.raises(Invalid, match="'zeros' grows"):
        build(made)


def test_a_package_that_nobody_could_publish_is_refused_here(tmp_path, monkeypatch):
    monkeypatch.setattr(building, "MAX_PACKAGE_BYTES", 1000)

    with pytest.raises(Invalid, match="a package may have"):
        build(wish(tmp_path))


@pytest.mark.parametrize("version", ["", "1 0", "-1", "a/b", "v" * 65])
def test_a_version_that_is_none_is_refused(tmp_path, version):
    with pytest.raises(Invalid) as caught:
        build(wish(tmp_path, version=version))

    assert caught.value.field == "version"


def test_a_package_is_laid_over_under_its_own_name(tmp_path):
    mine = write(tmp_path / "mine", {"__init__.py": "", "tasks.py": TASKS, "plain.py": ""})

    built = build(wish(tmp_path, mine))

    assert {"mine/__init__.py", "mine/tasks.py"} <= names(built)
    assert built.about.task_modules == ("mine.tasks",)


def test_a_directory_is_laid_over_the_root(tmp_path):
    patch = write(tmp_path / "patch", {"app/tasks.py": "print('wasp')\n", "more.py": TASKS})

    built = build(wish(tmp_path, patch))

    assert contents(built, "app/tasks.py") == b"print('wasp')\n"
    assert built.about.task_modules == ("more",)


def test_a_file_is_laid_over_the_root(tmp_path):
    write(tmp_path, {"extra.py": TASKS})

    built = build(wish(tmp_path, tmp_path / "extra.py"))

    assert contents(built, "extra.py").decode() == TASKS
    assert built.about.task_modules == ("extra",)


def test_another_project_is_the_base_instead_of_this_one(tmp_path):
    other = write(tmp_path / "other", {"manage.py": "", "their/tasks.py": TASKS})

    built = build(wish(tmp_path, other))

    assert names(built) == {"manage.py", "their/tasks.py", PATH}
    assert built.about.task_modules == ()


def test_two_whole_projects_are_one_too_many(tmp_path):
    first, second = (write(tmp_path / name, {"manage.py": ""}) for name in ("a", "b"))

    with pytest.raises(Invalid, match="give one whole project"):
        build(wish(tmp_path, first, second))


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(Invalid, match=r"there is no .*nowhere"):
        build(wish(tmp_path, tmp_path / "nowhere"))


def test_tasks_are_those_that_are_named_else_those_that_are_known_and_there(tmp_path):
    write(tmp_path, {"extra.py": TASKS})
    laid = wish(tmp_path, tmp_path / "extra.py", known_tasks=("app.tasks", "elsewhere"))

    assert build(laid).about.task_modules == ("app.tasks", "extra")
    assert build(replace(laid, tasks=("app",))).about.task_modules == ("app",)
    with pytest.raises(Invalid, match="'gone' is not in the package"):
        build(replace(laid, tasks=("gone",)))


def test_a_lock_of_other_requirements_does_not_go_along(tmp_path):
    made = wish(tmp_path, no_lock=True)

    built = build(made)

    assert "requirements.lock" not in names(built)
    assert (built.about.lock, built.about.lock_sha256) == (None, "")


def test_a_lock_that_says_where_to_get_things_is_refused(tmp_path):
    made = wish(tmp_path)
    write(made.project, {"requirements.lock": LOCK + "--index-url https://evil.example/\n"})

    with pytest.raises(Invalid, match="index-url"):
        build(made)


@pytest.mark.parametrize("text", ["[project", "project = 1", '[project]\nrequires-python = "x"\n'])
def test_a_project_file_that_makes_no_sense_is_named(tmp_path, text):
    made = wish(tmp_path)
    write(made.project, {"pyproject.toml": text})

    with pytest.raises(Invalid, match=r"pyproject\.toml"):
        build(made)
