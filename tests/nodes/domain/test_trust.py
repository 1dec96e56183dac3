import pytest

from nodes.domain.trust import MASS, PAUSED_SECONDS, ROUND_SECONDS, Trust, is_mass

SOON = ROUND_SECONDS - 0.1


def test_whoever_looks_every_second_believes_what_it_sees():
    trust = Trust()

    assert all(trust.look(float(second)) for second in range(1, 60))


def test_whoever_was_paused_believes_nothing_for_one_round():
    trust = Trust()
    trust.look(1.0)
    woke = 1.0 + PAUSED_SECONDS + 0.1

    assert not trust.look(woke)
    assert not any(trust.look(woke + second) for second in (1, 2, 3, 4))
    assert trust.look(woke + ROUND_SECONDS)


def test_an_outage_shakes_trust_for_one_round():
    trust = Trust()
    trust.shake(10.0)

    assert (trust.look(10.0 + SOON), trust.look(10.0 + ROUND_SECONDS)) == (False, True)


@pytest.mark.parametrize(
    ("vanished", "present", "mass"),
    [
        (MASS - 1, MASS - 1, False),
        (MASS, 2 * MASS, True),
        (MASS, 2 * MASS + 1, False),
        (9, 9, True),
    ],
)
def test_a_mass_is_at_least_three_nodes_and_half_of_those_present(vanished, present, mass):
    assert is_mass(vanished=vanished, present=present) is mass


def test_verdicts_on_a_mass_wait_one_round_and_then_pass():
    trust = Trust()
    brake = {"vanished": 5, "present": 5}

    assert trust.brake(now=1.0, **brake)
    assert trust.brake(now=1.0 + SOON, **brake)
    assert not trust.brake(now=1.0 + ROUND_SECONDS, **brake)


def test_a_mass_that_came_back_is_forgotten():
    trust = Trust()
    trust.brake(vanished=5, present=5, now=1.0)
    trust.brake(vanished=0, present=5, now=2.0)

    assert trust.brake(vanished=5, present=5, now=100.0)
