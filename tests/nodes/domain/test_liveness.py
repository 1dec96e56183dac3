import pytest

from nodes.domain.liveness import Evidence, Pulse, judge


@pytest.mark.parametrize(
    ("silence", "pulse", "reason"),
    [
        (-1.0, Pulse.ALIVE, ""),
        (0.0, Pulse.ALIVE, ""),
        (5.999, Pulse.ALIVE, ""),
        (6.0, Pulse.SUSPECT, "silent for 6 s"),
        (44.4, Pulse.SUSPECT, "silent for 44 s"),
        (44.999, Pulse.SUSPECT, "silent for 45 s"),
        (45.0, Pulse.LOST, "silent for 45 s"),
        (9000.0, Pulse.LOST, "silent for 9000 s"),
    ],
)
def test_silence_makes_a_node_suspect_after_6_and_lost_after_45_seconds(silence, pulse, reason):
    assert judge(Evidence(silence_seconds=silence)) == (pulse, reason)


def test_one_look_without_sockets_may_be_a_hiccup():
    assert judge(Evidence(silence_seconds=0.5, looks_without_sockets=1))[0] is Pulse.ALIVE
    assert judge(Evidence(silence_seconds=7.0, looks_without_sockets=1))[0] is Pulse.SUSPECT


@pytest.mark.parametrize("silence", [0.5, 7.0, 90.0])
def test_two_looks_without_sockets_are_a_death_however_short_the_silence(silence):
    verdict = judge(Evidence(silence_seconds=silence, looks_without_sockets=2))

    assert verdict == (Pulse.LOST, "all its processes are gone")
