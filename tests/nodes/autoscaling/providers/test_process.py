"""Spores on this machine: found again by whoever comes, ended once, and nothing of them left."""

import signal
import stat

import psutil
import pytest

from hive_site.kernel.envelope import node_key
from nodes.autoscaling.ports import ProviderError
from nodes.autoscaling.providers.process import end_spores, find_spores
from tests.nodes.cast import FLEET_KEY, wait_until


@pytest.fixture
def folder(process):
    return process.folder / "cpu"


def test_a_spore_finds_its_own_key_in_its_home_and_nobody_else_can_read_it(process, folder):
    process.open().start(["cpu-1"])

    key = folder / "cpu-1" / "node.key"
    assert key.read_text() == node_key(FLEET_KEY, "cpu-1").hex()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    [spore] = find_spores(folder).values()
    assert spore.environ()["HIVE_NODE_KEY_FILE"] == str(key)
    assert node_key(FLEET_KEY, "cpu-1").hex() not in " ".join(spore.cmdline())


def test_a_spore_is_told_to_end_once_however_often_it_is_asked_for(process, folder):
    provider = process.open()
    provider.start(["cpu-1"])
    [instance] = provider.list()
    [spore] = find_spores(folder).values()
    spore.suspend()
    # Of two signals on their way the other would come first.
    wait_until(lambda: spore.status() == psutil.STATUS_STOPPED)

    provider.stop(instance)
    provider.stop(instance)

    [leaving] = provider.list()
    assert leaving.leaving
    spore.resume()
    wait_until(lambda: not provider.list())


def test_a_foreman_that_ends_leaves_the_homes_of_those_that_its_successor_starts(
    process, folder, monkeypatch
):
    successor = process.open()

    with monkeypatch.context() as patch:
        ends = "nodes.autoscaling.providers.process.end_spores"
        patch.setattr(ends, lambda *_, **__: successor.start(["cpu-2"]))
        process.open().close()

    assert (folder / "cpu-2" / "node.key").exists()


def test_the_home_of_one_that_is_gone_goes_and_its_log_stays(process, folder):
    provider = process.open()
    provider.start(["cpu-1"])
    [spore] = find_spores(folder).values()

    spore.send_signal(signal.SIGKILL)

    wait_until(lambda: not provider.list())
    assert [path.name for path in folder.iterdir()] == ["cpu-1.log"]


def test_a_home_with_reports_that_nobody_heard_is_kept(process, folder):
    provider = process.open()
    provider.start(["cpu-1"])
    spool = folder / "cpu-1" / "spool"
    spool.mkdir()
    (spool / "1.report").write_text("done")
    [spore] = find_spores(folder).values()

    spore.kill()

    wait_until(lambda: not provider.list())
    assert (spool / "1.report").exists()


def test_the_foreman_s_end_is_the_end_of_all_of_them_even_of_the_stubborn(process, folder):
    provider = process.open()
    provider.start(["cpu-1", "cpu-2"])
    stubborn, other = find_spores(folder).values()
    stubborn.suspend()  # it hears no SIGTERM

    provider.close()

    assert not any(psutil.pid_exists(spore.pid) for spore in (stubborn, other))


def test_spores_without_a_foreman_can_be_ended_by_their_folder(process, folder):
    process.open().start(["cpu-1"])

    end_spores(folder)

    assert find_spores(folder) == {}


def test_what_cannot_be_started_is_told(process, folder):
    provider = process.open()
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("no directory")

    with pytest.raises(ProviderError, match="cpu-1 could not be started"):
        provider.start(["cpu-1"])

    folder.unlink()
