import pytest

from hive_site.kernel.errors import NotFound
from jobs.registry import Registry, Task, load_tasks, registry


def run(ctx, item):
    """Do it.

    At length.
    """


def other(ctx, item):
    pass


@pytest.fixture
def tasks():
    return Registry()


def test_a_task_is_found_by_its_name(tasks):
    task = Task("app.verb", run, timeout=5)

    tasks.add(task)

    assert tasks.get("app.verb") is task
    assert "app.verb" in tasks
    assert list(tasks) == ["app.verb"]


def test_a_task_that_is_not_there_is_answered_with_those_that_are(tasks):
    tasks.add(Task("app.verb", run))
    tasks.add(Task("app.again", run))

    with pytest.raises(NotFound, match=r"'app.vreb'; known are app.again, app.verb"):
        tasks.get("app.vreb")


def test_the_same_function_may_be_imported_twice_and_its_newest_options_count(tasks):
    tasks.add(Task("app.verb", run))
    tasks.add(Task("app.verb", run, retries=9))

    assert tasks.get("app.verb").retries == 9


def test_another_function_may_not_take_a_name(tasks):
    tasks.add(Task("app.verb", run))

    with pytest.raises(ValueError, match=r"'app\.verb' is taken by run"):
        tasks.add(Task("app.verb", other))


@pytest.mark.parametrize(
    "name", ["", "verb", "app.", ".verb", "app verb", "app.ve-rb", "app.vérb", "a.b\n"]
)
def test_a_name_is_an_app_and_a_verb(tasks, name):
    with pytest.raises(ValueError, match="in letters, digits and _"):
        tasks.add(Task(name, run))


def test_an_option_that_does_not_exist_is_refused():
    from jobs import task

    with pytest.raises(TypeError, match="retrys"):
        task("tests.misspelt", retrys=3)(run)

    assert "tests.misspelt" not in registry


def test_the_decorated_function_stays_what_it_was(monkeypatch):
    from jobs import task

    monkeypatch.setattr(registry, "_tasks", {})

    assert task("tests.plain")(run) is run
    assert registry.get("tests.plain").summary == "Do it."


def test_a_task_without_a_docstring_has_no_summary():
    assert Task("app.verb", other).summary == ""


def test_the_options_of_a_task_are_json_and_without_its_callable():
    import json

    options = Task("app.verb", run, backoff=(1, 2), labels={"a": "b"}).options()

    assert json.loads(json.dumps(options))["backoff"] == [1, 2]
    assert not {"name", "run"} & options.keys()
    assert options.keys() >= {"timeout", "retries", "gpu", "at_most_once", "codec"}


def test_tasks_of_apps_and_of_named_modules_are_imported(tmp_path, monkeypatch):
    module = tmp_path / "tasks_of_a_guest.py"
    module.write_text(
        "from jobs import task\n\n@task('guest.verb')\ndef verb(ctx, item):\n    return item\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    load_tasks([])  # what is loaded from here on is forgotten afterwards
    monkeypatch.setattr(registry, "_tasks", dict(registry._tasks))

    found = load_tasks(["tasks_of_a_guest"])

    assert {"demo.echo", "guest.verb"} <= set(found)


@pytest.mark.parametrize("words", [["ffmpeg"], ("ffmpeg",), {"ffmpeg"}, frozenset({"ffmpeg"})])
def test_capabilities_are_any_collection_of_words(words):
    assert Task("app.verb", run, capabilities=words).options()["capabilities"] == ["ffmpeg"]


@pytest.mark.parametrize(
    ("option", "value", "fact"),
    [
        ("timeout", 0, "timeout: 0; give a number of seconds above 0"),
        ("timeout", "60", "timeout: '60'"),
        ("retries", -1, "retries: -1; give a whole number from 0 to 1000"),
        ("retries", 1.5, "retries: 1.5"),
        ("backoff", 5, r"backoff: 5; give a tuple .* like \(2, 8, 32\)"),
        ("backoff", (1e15,), "backoff: 1000000000000000.0; give a number of seconds"),
        ("backoff", (float("nan"),), "backoff: nan"),
        ("cache_for", -1, "cache_for: -1"),
        ("gpu", 65, "gpu: 65; give a whole number from 0 to 64"),
        ("memory_mb", "1G", "memory_mb: '1G'"),
        ("labels", {"site": 5}, "labels: site: give a line of text"),
        ("capabilities", "ffmpeg", "capabilities: give a list"),
        ("codec", "yaml", "codec 'yaml'; give json or pickle"),
        ("version", 2, "version 2; give a text"),
        ("rate", "fast", "'fast'; give starts in a period"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_where_it_is_written(option, value, fact):
    with pytest.raises(ValueError, match=fact):
        Task("app.verb", run, **{option: value})
