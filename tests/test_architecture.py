"""The arrows of import. If this fails, move the code, not the arrow."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("hive_site", "jobs", "nodes", "ota")
#: The parts of hive_site that lie below everything.
GROUND = ("hive_site.kernel",)
MAY_IMPORT = {
    "hive_site.kernel": GROUND,
    "nodes": ("nodes", *GROUND),
    "jobs": ("jobs", "nodes", *GROUND),
    "ota": ("ota", "nodes", *GROUND),
}
#: Commands are entry points: they ask the wiring for what they run.
ENTRY_POINTS = ("nodes/management/", "jobs/management/", "ota/management/")
LONGEST_MODULE = 250
#: Longer ones, each with what is said aloud for it.
LONG_FOR_A_REASON = {"jobs/client.py": "one file that people copy to where the project is not"}
VAGUE = {"utils.py", "helpers.py", "common.py", "misc.py"}
MODULES = [
    path.relative_to(ROOT)
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def lies_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_arrows_point_downwards(layer):
    mine = [path for path in MODULES if lies_in(name_of(path), (layer,))]
    wrong = [
        f"{path} imports {module}"
        for path in mine
        if not str(path).startswith(ENTRY_POINTS)
        for module in imports(path)
        if lies_in(module, APPS) and not lies_in(module, MAY_IMPORT[layer])
    ]

    assert not wrong


def test_decisions_are_pure():
    import sys

    wrong = [
        f"{path} imports {module}"
        for path in MODULES
        if "domain" in path.parts
        for module in imports(path)
        if module.partition(".")[0] not in sys.stdlib_module_names and ".domain" not in module
    ]

    assert not wrong


def test_the_machine_side_knows_no_database():
    forbidden = ("django.db", "jobs.models", "jobs.selectors", "jobs.services", "nodes.models")
    wrong = [
        f"{path} imports {module}"
        for path in MODULES
        if "spore" in path.parts or path.name == "wire.py"
        for module in imports(path)
        if lies_in(module, forbidden)
    ]

    assert not wrong


#: Packs objects; loads them on a Spore; does both in the program that submitted the job.
PICKLERS = {"jobs/packing.py": {"dumps"}, "jobs/spore/unpacking.py": {"loads"}}
PICKLERS["jobs/client.py"] = {"dumps", "loads"}


def test_only_a_spore_and_the_client_unpickle_anything():
    wrong = [
        f"{path} imports {module}"
        for path in MODULES
        for module in imports(path)
        if module.partition(".")[0] in {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
        and str(path) not in PICKLERS
    ]
    wrong += [
        f"{path} loads pickles"
        for path, allowed in PICKLERS.items()
        if "loads" not in allowed and "loads" in (ROOT / path).read_text()
    ]
    wrong += [
        f"{path} imports {module}"
        for path in MODULES
        for module in imports(path)
        if module == "jobs.spore.unpacking" and "spore" not in path.parts
    ]

    assert not wrong


def test_modules_stay_small_and_have_names_that_say_something():
    long = {
        str(path): lines
        for path in MODULES
        if (lines := len((ROOT / path).read_text().splitlines())) > LONGEST_MODULE
        and str(path) not in LONG_FOR_A_REASON
    }
    vague = [str(path) for path in MODULES if path.name in VAGUE]

    assert (long, vague) == ({}, [])


def test_every_lua_verb_says_what_it_does():
    for script in ROOT.glob("*/lua/*.lua"):
        header = script.read_text().split("\n\n")[0]

        assert header.startswith("-- "), script
        assert "KEYS[1]" in header, script
        assert "returns" in header, script
