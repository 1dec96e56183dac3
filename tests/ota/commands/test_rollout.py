import json

import pytest
from django.core.management import call_command
from redis.exceptions import ConnectionError as RedisConnectionError

from hive_site.kernel.errors import Conflict, Invalid, NotFound
from nodes.models import Lease
from ota.commands import following
from ota.models import Rollout
from tests.ota.cast import make_release
from tests.ota.commands.verbs import run


@pytest.fixture
def world(cluster, monkeypatch):
    """A cluster that goes on while somebody waits."""
    follow = following.follow

    def while_it_goes_on(rollout_id, seconds):
        return follow(rollout_id, seconds, rest=lambda _: cluster.step())

    monkeypatch.setattr(following, "follow", while_it_goes_on)
    return cluster


def test_waiting_for_success_tells_each_change_and_exits_0(world, capsys):
    make_release()

    assert run("rollout", "1.0", "--wait", "60") == 0

    told = capsys.readouterr()
    assert "succeeded: 5 healthy" in told.out
    assert "spore-0: activating\n" in told.err
    assert "wave 2: succeeded\n" in told.err


def test_waiting_for_failure_exits_1_with_a_reason_for_each_node(world, capsys):
    release = make_release()
    for node in world.nodes.values():
        node.fails[release.sha256] = "rolled_back"

    assert run("rollout", "1.0", "--wait", "60") == 1

    told = capsys.readouterr().out
    assert "paused (error_threshold" in told
    assert "rolled_back (the probe failed)" in told
    assert f"ota resume|abort|rollback {Rollout.objects.get().pk}" in told


def test_waiting_has_an_end(cluster, capsys):
    make_release()

    assert run("rollout", "1.0", "--wait", "0.01") == 1

    assert "running" in capsys.readouterr().out


def test_ctrl_c_says_that_it_goes_on(cluster, capsys):
    rollout = cluster.roll_out(make_release())

    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        following.follow(rollout.pk, 60, rest=interrupt)

    told = capsys.readouterr().err
    assert f"{rollout.pk} goes on" in told
    assert f"ota pause {rollout.pk}" in told
    assert f"ota abort {rollout.pk}" in told


def test_without_waiting_it_says_how_to_follow(cluster, capsys):
    make_release()

    assert run("rollout", "1.0") == 0

    assert f"ota status {Rollout.objects.get().pk}" in capsys.readouterr().out


def test_a_dry_run_names_the_waves_and_stores_nothing(cluster, capsys):
    make_release()
    cluster.join("plain", managed=False)

    assert run("rollout", "1.0", "--dry-run") == 0

    told = capsys.readouterr().out
    assert "wave 1: 1 node: " in told
    assert "plain is left out: unmanaged" in told
    assert not Rollout.objects.exists()


def test_labels_choose_nodes(cluster, capsys):
    make_release()
    cluster.join("gpu-1", labels={"kind": "gpu"})

    assert run("rollout", "1.0", "--select", "kind=gpu", "--json") == 0

    view = json.loads(capsys.readouterr().out)
    assert [node["node"] for node in view["nodes"]] == ["gpu-1"]


@pytest.mark.parametrize("pair", ["kind", "=gpu"])
def test_a_label_without_a_text_is_wrong_use(cluster, pair):
    make_release()

    with pytest.raises(Invalid):
        run("rollout", "1.0", "--select", pair)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["rollout", "9.9"], 2), (["pause", "none"], 1), (["rollout", "1.0", "--wait", "x"], 2)],
)
def test_exit_codes_tell_wrong_use_from_failure(arguments, code, capsys):
    with pytest.raises(SystemExit) as end:
        call_command("ota", *arguments)

    assert end.value.code == code
    assert capsys.readouterr().err


def test_verbs_move_a_rollout(world, capsys):
    rollout = world.roll_out(make_release())

    assert run("pause", rollout.pk) == 0
    assert run("resume", rollout.pk) == 0
    assert run("rollback", rollout.pk, "--wait", "60") == 0
    with pytest.raises(Conflict):
        run("abort", rollout.pk)
    with pytest.raises(NotFound):
        run("promote", "none")

    assert "rolled_back" in capsys.readouterr().out


def test_status_counts_what_runs_and_shows_what_is_under_way(cluster, capsys):
    cluster.roll_out(make_release())
    cluster.play()
    rollout = cluster.roll_out(make_release("2.0", seq=2))

    assert run("status") == 0
    text = capsys.readouterr().out
    assert run("status", "--json") == 0
    status = json.loads(capsys.readouterr().out)

    assert "5 nodes" in text
    assert sum(status["releases"].values()) == 5
    assert [row["id"] for row in status["rollouts"]] == [rollout.pk]
    assert [row["state"] for row in status["last"]] == ["succeeded"]
    assert status["alarms"] == []


def test_status_of_one_shows_waves_and_reasons(cluster, capsys):
    release = make_release()
    rollout = cluster.roll_out(release)
    for node in cluster.nodes.values():
        node.fails[release.sha256] = "failed"
    cluster.play(4)

    assert run("status", rollout.pk) == 0

    told = capsys.readouterr().out
    assert "wave 1: failed: 1 failed" in told
    assert "failed (the probe failed)" in told


def test_while_nobody_conducts_it_says_so_with_the_way_out(cluster, capsys):
    Lease.objects.update(expires_at=None, holder="")
    make_release()

    assert run("rollout", "1.0", "--wait", "0.01") == 1
    assert run("status", Rollout.objects.get().pk) == 0
    assert run("status") == 0

    told = capsys.readouterr()
    assert told.err.count("start one: manage.py foreman") == 1
    assert told.out.count("start one: manage.py foreman") == 2


def test_a_line_says_when_somebody_conducts_again():
    view = {"id": "rollout_1", "state": "running", "reason": "", "waves": [], "nodes": []}
    seen: dict[str, str] = {}

    first = following.changes(view, seen, who_leads="none")
    assert first == ["rollout_1: running", "foreman: none"]
    assert following.changes(view, seen) == ["foreman: leads again"]
    assert following.changes(view, seen) == []


def test_at_a_gate_it_says_how_to_open_it(world, capsys):
    make_release()

    assert run("rollout", "1.0", "--strategy", "manual", "--wait", "60") == 1

    assert f"ota promote|abort|rollback {Rollout.objects.get().pk}" in capsys.readouterr().out


def test_while_redis_is_away_it_says_what_it_waits_for(cluster, capsys, monkeypatch):
    def refuse():
        raise RedisConnectionError

    make_release()
    monkeypatch.setattr(cluster.redis, "ping", refuse)

    assert run("rollout", "1.0", "--wait", "0.01") == 1

    assert "waits for Redis, which is away" in capsys.readouterr().err
