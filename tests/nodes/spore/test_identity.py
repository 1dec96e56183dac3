import socket

import pytest

from hive_site.kernel.envelope import node_key, pool_key
from hive_site.kernel.errors import Invalid
from nodes.domain.names import NODE_NAME
from nodes.spore.identity import (
    Identity,
    check_name,
    default_name,
    find_key,
    new_incarnation,
    read_labels,
)
from nodes.spore.pools import read_pool


def test_a_reborn_spore_is_the_same_but_for_its_incarnation():
    before = Identity("a", b"k", "one", 2, "1.0", labels={"x": "1"}, capabilities=("tex",))

    after = before.reborn()

    assert after.incarnation != before.incarnation
    assert (after.name, after.key, after.slots, after.labels) == ("a", b"k", 2, {"x": "1"})


def test_the_key_of_a_node_is_in_no_log():
    assert "s3cret" not in repr(Identity("a", b"s3cret", "one", 2, "1.0"))


def test_incarnations_never_repeat():
    assert len({new_incarnation() for _ in range(1000)}) == 1000
    assert len(new_incarnation()) <= 32  # what the Nexus keeps of it


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("box", "box"),
        ("box.lab.example", "box"),
        ("my box!", "my-box-"),
        ("bücher", "b-cher"),
        ("x" * 60, "x" * 48),
        ("", "spore"),
        (".example", "spore"),
    ],
)
def test_a_host_has_a_name_that_fits_a_node(monkeypatch, host, name):
    monkeypatch.setattr(socket, "gethostname", lambda: host)

    assert default_name() == name
    assert NODE_NAME.fullmatch(name)


def test_a_name_is_checked_with_the_rule():
    assert check_name("spore-1") == "spore-1"
    with pytest.raises(Invalid, match=r"--name 'a b': give 1 to 48 letters, digits, - and _"):
        check_name("a b")


def test_a_given_key_wins_over_one_that_could_be_derived():
    assert find_key("a", given="00ff", fleet_key="fleet") == b"\x00\xff"
    assert find_key("a", given="", fleet_key="fleet") == node_key("fleet", "a")


def test_a_key_that_is_not_hexadecimal_is_named_and_not_shown():
    with pytest.raises(Invalid, match="HIVE_NODE_KEY: give the key in hexadecimal") as refusal:
        find_key("a", given="s3cret", fleet_key="fleet")

    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_machine_without_a_key_learns_how_to_get_one():
    with pytest.raises(Invalid, match="no key for node 'a': set HIVE_NODE_KEY"):
        find_key("a", given="", fleet_key="")


def test_labels_are_pairs():
    assert read_labels(["site=lab", "note=a=b", "empty="]) == {
        "site": "lab",
        "note": "a=b",
        "empty": "",
    }
    assert read_labels([]) == {}


@pytest.mark.parametrize("pair", ["site", "=lab", ""])
def test_what_is_no_pair_is_refused_with_the_rule(pair):
    with pytest.raises(Invalid, match="give key=value"):
        read_labels([pair])


def test_a_node_of_a_pool_derives_its_key_unless_it_was_given_one():
    pool = read_pool(f"gpu:{pool_key('fleet', 'gpu').hex()}")

    assert find_key("gpu--1", given="", fleet_key="", pool=pool) == node_key("fleet", "gpu--1")
    assert find_key("gpu--1", given="00ff", fleet_key="", pool=pool) == b"\x00\xff"
    with pytest.raises(Invalid, match="call it gpu--SOMETHING, or leave --name out"):
        find_key("box", given="", fleet_key="fleet", pool=pool)
