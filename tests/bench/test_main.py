import pytest

from bench.__main__ import read_arguments


def test_an_unknown_workload_is_wrong_use_and_the_known_ones_are_named(capsys):
    with pytest.raises(SystemExit) as end:
        read_arguments(["mpa"])

    assert end.value.code == 2
    assert "unknown: mpa; there are map, latency" in capsys.readouterr().err


def test_no_repeats_is_wrong_use():
    with pytest.raises(SystemExit) as end:
        read_arguments(["--repeat", "0"])

    assert end.value.code == 2


def test_names_and_flags_may_be_combined():
    arguments = read_arguments(["map", "idle", "--json", "--quick", "--repeat", "2"])

    assert arguments.names == ["map", "idle"]
    assert (arguments.json, arguments.quick, arguments.repeat) == (True, True, 2)
