import pytest

from bench.arguments import PEERS, pick_peers, read_arguments


def test_an_unknown_workload_is_wrong_use_and_the_known_ones_are_named(capsys):
    with pytest.raises(SystemExit) as end:
        read_arguments(["mpa"])

    assert end.value.code == 2
    assert "unknown: mpa; there are map, latency" in capsys.readouterr().err


def test_an_unknown_peer_is_wrong_use_and_the_known_ones_are_named(capsys):
    with pytest.raises(SystemExit) as end:
        read_arguments(["--peers", "rq,sidekiq"])

    assert end.value.code == 2
    assert "unknown peer: 'sidekiq'; there are rq, rq-simple" in capsys.readouterr().err


def test_no_repeats_is_wrong_use():
    with pytest.raises(SystemExit) as end:
        read_arguments(["--repeat", "0"])

    assert end.value.code == 2


def test_names_and_flags_may_be_combined():
    arguments = read_arguments(["map", "idle", "--json", "--quick", "--repeat", "2"])

    assert arguments.names == ["map", "idle"]
    assert (arguments.json, arguments.quick, arguments.repeat) == (True, True, 2)


def test_a_quick_run_is_one_and_another_three():
    assert read_arguments(["--quick"]).repeat == 1
    assert read_arguments([]).repeat == 3


def test_all_peers_run_unless_some_are_named_or_none():
    assert pick_peers(None) == list(PEERS.values())
    assert [peer.name for peer in pick_peers("dask, rq,dask")] == ["dask", "rq"]
    assert pick_peers("none") == pick_peers("") == []
