"""Pictures of a frozen cluster, in terminals of several sizes."""

import time

import pytest
from rich.console import Console

from hive_site.top.cells import spark
from hive_site.top.drawing import Manner, draw
from hive_site.top.view import Watcher
from tests.hive_site.top.cast import AT, POOL, ROLLOUT, facts, job, node


def show(seen=None, *, width=80, height=None, **manner):
    console = Console(width=width, height=height or 24, legacy_windows=False)
    view = Watcher().see(seen or facts())
    drawn = draw(view, Manner(width=width, height=height, now=AT + 0.2, **manner))
    lines = console.render_lines(drawn, pad=False)
    return ["".join(part.text for part in line).rstrip() for line in lines]


AT_80 = """\
THE HIVE  Foreman leading (epoch 3, here:1:ab)  12:00:00 UTC, 0.6 s old
2/2 nodes · 4/8 slots busy · 9 in flight · CPU 73% · RAM 31%
█ 12.5 subtasks/s
queue          waiting  oldest  in/s  out/s
high_priority  0        –       0.0   0.0
background     118      12 s    3.0   12.5
job                 state                  done    failed  left
articles.summarise  running  ━━━━╸         82/200  2       58 s
node, by load  state   busy  CPU   RAM   release  seen
gpu-1          online  3/4    52%   31%  1.2.0    1 s
gpu-2          online  1/4    95%   31%  1.2.0    1 s"""


def test_eighty_columns_show_what_matters():
    lines = show()

    assert [" ".join(line.split()) for line in lines] == [
        " ".join(line.split()) for line in AT_80.splitlines()
    ]
    assert max(map(len, lines)) <= 80


def test_a_wide_terminal_shows_more():
    text = "\n".join(show(width=160))

    assert "0.1/s failed · 0.0/s tried again" in text
    assert "job_01ABC" in text
    assert "job_01ABC" not in "\n".join(show(width=80))


def test_what_is_wrong_stands_above_all():
    lost = [node(state="lost", reason="all its processes are gone"), node("gpu-2")]

    lines = show(facts(nodes=lost, rollouts=[ROLLOUT]), width=160)

    assert lines[3:5] == ["! gpu-1 is lost", "! the rollout of 1.3.0 waits: wave: 1 of 2 failed"]
    assert any("all its processes are gone" in line for line in lines)
    assert any("1.3.0" in line and "2/3" in line and "1 failed" in line for line in lines)


def test_pools_are_shown_where_there_are_some():
    text = "\n".join(show(facts(cluster={"pools": {"cpu": POOL}}), width=160))

    assert " ".join(next(line for line in text.splitlines() if "0–4" in line).split()) == (
        "cpu 3 1 2 0 0–4 the oldest has waited 12 s"
    )
    assert "0–4" not in "\n".join(show())


@pytest.mark.parametrize("height", [10, 24, 50])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_fits_into_any_terminal(width, height):
    nodes = [node(f"spore-with-a-long-name-{n}", reason="x" * 300) for n in range(100)]
    jobs = [job(f"job_{n}", task="module." * 20) for n in range(30)]

    lines = show(facts(nodes=nodes, jobs=jobs, rollouts=[ROLLOUT]), width=width, height=height)

    assert max(map(len, lines)) <= width
    if height >= 24:
        assert len(lines) <= height
    assert lines[-1].startswith("q quit")


def test_a_thousand_nodes_are_drawn_at_once():
    nodes = [node(f"n{n:04}", running=n % 5) for n in range(1000)]
    seen = facts(nodes=nodes)

    begun = time.process_time()
    lines = show(seen, height=24)
    took = time.process_time() - begun

    assert took < 0.5
    assert any(line.startswith("… and 98") for line in lines), lines


def test_one_may_look_further_down_and_not_beyond_the_end():
    nodes = [node(f"n{n:02}") for n in range(40)]
    seen = facts(nodes=nodes)

    def shown(offset):
        lines = show(seen, height=24, sort="name", offset=offset)
        return [line.split()[0] for line in lines if line.startswith("n") and line[1].isdigit()]

    assert shown(5)[0] == "n05"
    assert shown(1000)[-1] == "n39"


def test_an_old_picture_says_so():
    text = "\n".join(show(paused=True, lost="no answer"))

    assert "PAUSED" in text
    assert "no answer" in text


def test_names_do_nothing_to_the_terminal_and_nothing_to_the_picture():
    evil = "\x1b[2J\x07[red]x[/red][/]"
    queue = {"depth": 1, "oldest_wait": None, "paused": True}
    seen = facts(
        nodes=[node(evil, reason=evil, release=evil, state="lost")],
        jobs=[job(evil, task=evil, queue=evil)],
        rollouts=[{**ROLLOUT, "release": evil, "reason": evil}],
        cluster={"queues": {evil: queue}, "pools": {evil: {**POOL, "reason": evil, "error": evil}}},
    )
    console = Console(width=200, force_terminal=True, legacy_windows=False)

    lines = console.render_lines(draw(Watcher().see(seen), Manner(width=200, now=AT, lost=evil)))

    said = [part.text for line in lines for part in line]
    assert all("\x1b" not in text and "\x07" not in text for text in said)
    assert sum("[red]x[/red]" in text for text in said) >= 8


def test_a_cluster_without_anything_says_what_to_do():
    lines = show(facts(nodes=[], jobs=[], cluster={"queues": {}}))

    assert lines[-1].startswith("No nodes yet.")


@pytest.mark.parametrize(
    ("values", "drawn"), [([], ""), ([0, 0], "▁▁"), ([0, 1, 2, 4], "▁▃▅█"), ([3.0], "█")]
)
def test_the_highest_bar_is_the_greatest_value(values, drawn):
    assert spark(values) == drawn
