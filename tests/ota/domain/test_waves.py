import pytest

from ota.domain.states import Strategy
from ota.domain.strategies import STRATEGIES, Terms
from ota.domain.waves import draw_waves


def nodes(count: int, **labels: str) -> dict[str, dict[str, str]]:
    return {f"spore-{number}": dict(labels) for number in range(count)}


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (2, [1, 1]), (5, [1, 4]), (10, [1, 1, 8]), (100, [1, 10, 89])],
)
def test_fast_goes_by_one_node_a_tenth_and_the_rest(count, sizes):
    waves = draw_waves(nodes(count), groups=Terms().groups, lot="rollout")

    assert [len(wave) for wave in waves] == sizes


def test_every_node_is_in_one_wave_whatever_the_strategy():
    for strategy in Strategy:
        waves = draw_waves(nodes(57), groups=STRATEGIES[strategy].groups, lot="rollout")

        assert sorted(name for wave in waves for name in wave) == sorted(nodes(57))


def test_canaries_go_first():
    named = {**nodes(20), "spore-7": {"canary": "yes"}}

    assert draw_waves(named, groups=("1", "rest"), lot="any")[0] == ["spore-7"]


def test_the_lottery_is_the_same_for_the_same_rollout_only():
    first, again, other = (
        draw_waves(nodes(50), groups=("10", "rest"), lot=lot) for lot in ("a", "a", "b")
    )

    assert first == again
    assert first != other


def test_who_is_away_comes_last_even_a_canary():
    named = {**nodes(5), "spore-0": {"canary": "yes"}}

    waves = draw_waves(named, groups=("1", "rest"), lot="any", away=["spore-0"])

    assert waves[-1][-1] == "spore-0"


def test_terms_are_read_as_they_were_written():
    for terms in STRATEGIES.values():
        assert Terms.read(terms.write()) == terms
