"""The real Foreman, planner and recorder against a cluster that falls apart, seed by seed.

Only Redis, the machines and time are simulated. `SEEDS=17,18` runs other seeds than CI does.
"""

import os
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import connection

from nodes import inbox
from nodes.spore import line
from tests.simulation.reckoning import reckon
from tests.simulation.world import World

IN_CI = range(10)
SEEDS = [int(seed) for seed in os.environ.get("SEEDS", "").split(",") if seed]
#: Some day that is not today, so that nothing depends on the real clock.
START = 1_900_000_000.0


@pytest.fixture
def build(transactional_db, settings, monkeypatch):
    settings.HIVE = replace(settings.HIVE, zombie_timeout=60)
    worlds, commit = [], connection._commit
    monkeypatch.setattr(line, "connect", lambda client, **options: client)
    monkeypatch.setattr(
        connection, "_commit", lambda: worlds[-1].commit(commit) if worlds else commit()
    )

    def build_world(seed):
        worlds.append(World(seed, nodes=50, start=START))
        monkeypatch.setattr(inbox, "_client", worlds[-1].nexus)
        return worlds[-1]

    return build_world


def check(world, seed):
    world.live()

    wrong = reckon(world)
    assert not wrong, "\n".join([*wrong, f"again: SEEDS={seed} make test ARGS=tests/simulation"])


@pytest.mark.parametrize("seed", SEEDS or IN_CI)
def test_everything_comes_to_its_one_right_end(seed, build):
    check(build(seed), seed)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(10, 210))
def test_everything_comes_to_its_one_right_end_again_and_again(seed, build):
    check(build(seed), seed)


def test_a_seed_tells_the_same_story_again(build):
    first, second = [live_anew(build) for _ in range(2)]

    assert first == second


def live_anew(build):
    # With the tables' sequences, which the fixture leaves as they are.
    call_command("flush", interactive=False, verbosity=0)
    world = build(1)
    world.begin()
    world.rest(60)
    return world.truth, world.suffered
