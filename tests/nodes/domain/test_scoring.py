import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.scoring import FADE_SECONDS, Vitals, Weights, charged, faded, load

shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("cpu", "memory", "running", "expected"),
    [
        (0, 0, 0, 0.0),
        (1, 0, 0, 0.4),
        (0, 1, 0, 0.3),
        (0, 0, 4, 0.3),
        (0, 0, 1, 0.075),
        (0.5, 0.25, 2, 0.2 + 0.075 + 0.15),
        (1, 1, 4, 1.0),
    ],
)
def test_cpu_counts_40_memory_30_and_tasks_30_percent(cpu, memory, running, expected):
    vitals = Vitals(cpu=cpu, memory=memory, running=running, slots=4)

    assert load(vitals, Weights()) == pytest.approx(expected, abs=1e-12)


def test_the_only_slot_of_a_node_is_the_whole_of_its_tasks():
    assert load(Vitals(cpu=0, memory=0, running=1, slots=1), Weights()) == pytest.approx(0.3)
    assert charged(0.0, sent_since=1, slots=1) == 1.0


def test_the_weights_are_a_choice():
    vitals = Vitals(cpu=0.5, memory=0.25, running=1, slots=2)

    assert load(vitals, Weights(cpu=0, memory=1, tasks=0)) == 0.25
    assert load(vitals, Weights(cpu=0, memory=0, tasks=1)) == 0.5


def test_bundles_that_queue_behind_busy_slots_make_a_node_more_than_exhausted():
    assert load(Vitals(cpu=1, memory=1, running=8, slots=4), Weights()) == pytest.approx(1.3)


def test_a_node_without_slots_can_be_compared():
    assert load(Vitals(cpu=0, memory=0, running=0, slots=0), Weights()) == 0


def test_a_fresh_measurement_counts_whole_and_an_old_one_not_at_all():
    assert faded(0.9, 0.1, age_seconds=0) == 0.9
    assert faded(0.9, 0.1, age_seconds=10 * FADE_SECONDS) == pytest.approx(0.1, abs=1e-3)


def test_after_ten_seconds_a_measurement_counts_for_one_part_in_e():
    assert faded(1.0, 0.0, age_seconds=10) == pytest.approx(0.36788, abs=1e-5)


def test_a_measurement_from_the_future_is_fresh():
    assert faded(0.9, 0.1, age_seconds=-5) == 0.9


@given(shares, shares, st.floats(0, 1e6))
def test_a_fading_measurement_stays_between_itself_and_the_mean(measured, mean, age):
    low, high = sorted((measured, mean))

    assert low - 1e-12 <= faded(measured, mean, age_seconds=age) <= high + 1e-12


def test_each_bundle_sent_since_the_measurement_is_charged_one_slots_share():
    assert charged(0.25, sent_since=0, slots=4) == 0.25
    assert charged(0.25, sent_since=2, slots=4) == 0.75


def test_a_charge_never_exceeds_the_whole_machine():
    assert charged(0.5, sent_since=9, slots=4) == 1.0
    assert charged(0.5, sent_since=1, slots=0) == 1.0
