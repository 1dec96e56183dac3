from datetime import UTC, datetime, timedelta

import pytest

from hive_site.backups.moving import clear_staging
from hive_site.commands.checkups.backups import MADE_AT, check_age, check_backups, read_time
from hive_site.occupied import LIST

NOW = datetime(2026, 1, 20, tzinfo=UTC)


def test_a_whole_directory_is_nothing_to_tell_of(tmp_path):
    clear_staging(tmp_path)

    assert [each.verdict for each in check_backups(tmp_path, now=NOW)] == ["ok"]


def test_a_restore_that_broke_off_is_bad_and_says_what_finishes_it(tmp_path):
    (clear_staging(tmp_path) / LIST).write_text("{}")

    finding, _ = check_backups(tmp_path, now=NOW)

    assert finding.verdict == "bad"
    assert f"--data {tmp_path}" in finding.mend


@pytest.mark.parametrize(("days", "verdict"), [(1, "ok"), (9, "warn")])
def test_whoever_stopped_making_backups_is_reminded(days, verdict):
    assert check_age(NOW - timedelta(days=days), now=NOW).verdict == verdict


@pytest.mark.parametrize("text", ["", "yesterday", "2026"])
def test_a_time_that_is_none_is_no_fault(tmp_path, text):
    (tmp_path / "run").mkdir()
    (tmp_path / MADE_AT).write_text(text)

    assert read_time(tmp_path) is None
    assert check_age(read_time(tmp_path), now=NOW).verdict == "ok"
