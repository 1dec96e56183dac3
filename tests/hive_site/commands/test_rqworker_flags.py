import pytest
from django.core.management import call_command

from nodes.spore.agent import MAX_SLOTS


def refusal(capsys, **flags) -> str:
    with pytest.raises(SystemExit) as end:
        call_command("rqworker", name="bee-1", **flags)

    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("slots", [0, -1, MAX_SLOTS + 1, 1000])
def test_more_or_fewer_slots_than_an_agent_has_room_for_are_wrong_use(capsys, slots):
    assert f"--slots {slots}: give 1 to {MAX_SLOTS}" in refusal(capsys, slots=slots)


def test_a_home_that_cannot_be_is_wrong_use(capsys, tmp_path):
    (tmp_path / "file").touch()

    said = refusal(capsys, home=str(tmp_path / "file"))

    assert f"--home {tmp_path}/file: File exists; give a directory" in said
