import pytest

from bench.environments import PINS, read_pins
from bench.peers.roster import REFERENCE, ROSTER
from hive_site.configuration import PROJECT


def test_names_titles_and_databases_are_not_shared():
    for facts in zip(*((p.name, p.title, p.database) for p in ROSTER), strict=True):
        assert len(set(facts)) == len(ROSTER)


def test_the_first_database_is_the_hives():
    assert all(1 <= peer.database <= 15 for peer in ROSTER)


def test_the_reference_is_there():
    assert REFERENCE in {peer.name for peer in ROSTER}


@pytest.mark.parametrize("peer", ROSTER, ids=lambda peer: peer.name)
def test_every_peer_has_a_module_and_an_environment_with_its_exact_version(peer):
    assert (PROJECT / "bench" / "peers" / f"{peer.module}.py").exists()
    assert peer.distribution in read_pins(peer.environment)


@pytest.mark.parametrize("file", sorted(PINS.glob("*.txt")), ids=lambda file: file.name)
def test_every_line_of_a_requirement_file_is_an_exact_version(file):
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]

    assert lines
    assert all("==" in line for line in lines)


def test_rq_is_the_one_that_the_hive_runs_on():
    requirements = (PROJECT / "requirements.txt").read_text().splitlines()

    assert f"rq=={read_pins('rq')['rq']}" in requirements
