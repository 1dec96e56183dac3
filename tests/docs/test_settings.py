"""The table of settings has every variable that the code reads, no other, and its defaults."""

import ast
import re

import pytest

import hive_site.configuration as configuration
from hive_site.configuration import PROJECT, read_options
from hive_site.kernel.env import Env
from tests.documents import MARKDOWN

PAGE = PROJECT / "docs" / "guide" / "settings.md"
PARTS = ("hive_site", "jobs", "nodes", "ota")
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
#: Read, but not for people: what one process tells another, and what tests say.
INTERNAL = {
    "HIVE_LAUNCHER_FDS": "the launcher's pipes",
    "HIVE_GATE": "the launcher's word that a release is on trial",
    "HIVE_INCARNATION": "the launcher's name for one start",
    "HIVE_CRASH_AT": "where tests let a process die; docs/reliability.md tells of it",
    "DJANGO_SETTINGS_MODULE": "Django's own",
    "PATH": "the system's own",
    "PYTHONPATH": "the system's own",
    "HOME": "the system's own",
    "OTEL_SERVICE_NAME": "OpenTelemetry's own, as all OTEL_ are",
}


def is_environment(node):
    """Whether this reads like one: `env`, `environ`, `os.environ`, `Env()`, `self._env`."""
    if isinstance(node, ast.Call):
        node = node.func
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name.lower().strip("_") in {"env", "environ"}


def names_in(call):
    """The variables that a call reads."""
    function = call.func
    if isinstance(function, ast.Attribute) and is_environment(function.value):
        named = call.args[:1]
    elif call.args and is_environment(call.args[0]):
        named = call.args[1:2]
    else:
        named = []
    for argument in named:
        value = getattr(argument, "value", None)
        if isinstance(value, str) and NAME.fullmatch(value):
            yield value


def read_by(source):
    """Every variable that a module reads."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                yield from names_in(node)
            case ast.Subscript(slice=ast.Constant(value=name), ctx=ast.Load()):
                if is_environment(node.value):
                    yield name


def read_by_code():
    sources = [path for part in PARTS for path in (PROJECT / part).rglob("*.py")]
    sources.append(PROJECT / "manage.py")
    return {name for path in sources for name in read_by(path.read_text())}


def rows():
    """Of each row of the page's tables: its variables, and their defaults."""
    cells = [t.content for t in MARKDOWN.parse(PAGE.read_text()) if t.type == "inline"]
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert cells
    for line in lines:
        first, default = line.split("|")[1:3]
        yield re.findall(r"`([A-Z][A-Z0-9_]+)`", first), re.findall(r"`([^`]*)`", default)


def documented():
    return [name for names, _ in rows() for name in names]


def plain(names):
    """Variables without the ending of those that name a file with the value."""
    return {name.removesuffix("_FILE") for name in names}


def test_every_setting_that_is_read_is_documented():
    missing = plain(read_by_code()) - plain(documented()) - set(INTERNAL)

    assert missing == set(), f"add them to {PAGE.name}, or to INTERNAL with a reason"


def test_every_setting_that_is_documented_is_read():
    constants = {"HIVE_OTA_PASSPHRASE"}  # named once, as PASSPHRASE in ota/trust/keyring.py

    assert plain(documented()) - plain(read_by_code()) - constants == set()


def test_no_setting_is_documented_twice():
    assert len(documented()) == len(set(documented()))


def defaults():
    """The variable and the default of each option, where the default does not depend on others."""
    tree = ast.parse((PROJECT / "hive_site" / "configuration.py").read_text())
    [call] = [n for n in ast.walk(tree) if isinstance(n, ast.Call)
              and getattr(n.func, "id", "") == "Options"]  # fmt: skip
    options = read_options(Env({}))
    for keyword in call.keywords:
        if names := list(names_in(keyword.value)) if isinstance(keyword.value, ast.Call) else []:
            yield names[0], written(getattr(options, keyword.arg))


def written(value):
    """A value as the page writes it."""
    match value:
        case bool():
            return str(value).lower()
        case tuple() | list():
            return ",".join(map(str, value))
        case _:
            return str(value)


@pytest.mark.parametrize(("name", "default"), sorted(defaults()))
def test_defaults_are_those_of_the_code(name, default):
    found = [(names, told) for names, told in rows() if name in names]
    assert found, f"{PAGE.name} has no row for {name}"
    names, told = found[0]
    shown = told[names.index(name)] if len(told) == len(names) else "".join(told)

    assert shown == default


def test_a_wrong_value_is_told_as_the_page_says():
    told = re.search(r"^hive: (HIVE_TASK_TIMEOUT=.*)$", PAGE.read_text(), re.M)[1]

    with pytest.raises(configuration.ImproperlyConfigured) as raised:
        read_options(Env({"HIVE_TASK_TIMEOUT": "soon"}))

    assert str(raised.value) == told


def test_variables_are_found_however_they_are_read():
    source = 'env.flag("A_B", True)\nEnv().text("C")\n_ttl(env, "D_TTL", 600)\nos.environ["E"]\n'
    source += 'self._env.get("F")\nsettings.get("NOT")\nos.environ["G"] = "1"\n'

    assert sorted(read_by(source)) == ["A_B", "C", "D_TTL", "E", "F"]
