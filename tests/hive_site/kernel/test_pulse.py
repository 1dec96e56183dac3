import json
import time

import pytest

from hive_site.kernel import pulse as module
from hive_site.kernel.pulse import SILENT, Pulse, Sign, read_sign


def test_the_newest_sign_is_read(tmp_path):
    pulse = Pulse(tmp_path / "pulse")

    pulse.beat("stands by")
    pulse.beat("waits", works=False)

    sign = read_sign(tmp_path / "pulse")
    assert (sign.state, sign.works) == ("waits", False)
    assert 0 <= time.monotonic() - sign.at < 30
    assert [path.name for path in tmp_path.iterdir()] == ["pulse"]


def test_it_writes_once_a_second_while_nothing_changes(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    pulse = Pulse(tmp_path / "pulse")

    pulse.beat("leads")
    now += 0.75
    pulse.beat("leads")
    early = read_sign(tmp_path / "pulse")
    now += 0.5
    pulse.beat("leads")

    assert (early.at, read_sign(tmp_path / "pulse").at) == (100.0, 101.25)


def test_where_nothing_can_be_written_the_process_goes_on(tmp_path):
    (tmp_path / "pulse").mkdir()

    Pulse(tmp_path / "pulse").beat("leads")
    Pulse(tmp_path / "no" / "such" / "place").beat("leads")
    SILENT.beat("leads")

    assert read_sign(tmp_path / "pulse") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "1", '{"state": "leads"}', '{"at": null}'])
def test_what_makes_no_sense_is_no_sign(tmp_path, text):
    (tmp_path / "pulse").write_text(text)

    assert read_sign(tmp_path / "pulse") is None


def test_a_sign_of_another_release_may_say_more(tmp_path):
    said = {"state": "leads", "works": True, "at": 1, "epoch": 7}
    (tmp_path / "pulse").write_text(json.dumps(said))

    assert read_sign(tmp_path / "pulse") == Sign("leads", True, 1.0)
