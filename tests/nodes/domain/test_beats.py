import json
from datetime import UTC, datetime
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.domain.beats import MAX_SLOTS, Beat, Running, read_beat
from nodes.domain.placement import Gpu

BODY = {
    "v": 1,
    "incarnation": "4f3c2a1b",
    "slots": 4,
    "cpu": 0.25,
    "memory": 0.5,
    "free_memory_mb": 2000,
    "labels": {"site": "lab"},
    "capabilities": ["ffmpeg", "tex"],
    "gpus": [{"index": 0, "name": "H100", "memory_mb": 80000, "free_mb": 79000}],
    "release": "1.2.0",
    "agent_version": "1",
    "platform": "Linux-6.1",
    "running": [[17, 1700000000.5, 0.5, "half of it"]],
    "metrics": {"load": 0.7, "network": {"sent": 1}, "slot_rss_mb": [40]},
}
#: What older agents do not say.
NEWS = {"host": "f00f", "total_memory_mb": 16000, "held_mb": [[17, 900]]}
CARD = {**BODY["gpus"][0], "uuid": "GPU-1f35"}
#: Python's JSON also knows NaN, infinities, NUL and halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=()), max_size=8)
numbers = st.floats() | st.integers() | st.sampled_from([10**400, -(10**400), inf, nan])
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
rows = st.lists(st.lists(values, min_size=4, max_size=4), max_size=2)
cards = st.lists(st.fixed_dictionaries(dict.fromkeys(CARD, values)), max_size=2)


def test_a_heartbeat_tells_what_the_node_is_like():
    assert read_beat(BODY) == Beat(
        incarnation="4f3c2a1b",
        slots=4,
        cpu=0.25,
        memory=0.5,
        free_memory_mb=2000,
        labels={"site": "lab"},
        capabilities=frozenset({"ffmpeg", "tex"}),
        gpus=(Gpu(0, "H100", 80000, 79000),),
        release="1.2.0",
        agent_version="1",
        platform="Linux-6.1",
        running=(Running(17, 1700000000.5, 0.5, "half of it"),),
        metrics={"load": 0.7, "network": {"sent": 1}, "slot_rss_mb": [40]},
    )


def test_a_heartbeat_of_an_older_agent_leaves_open_what_it_did_not_know_of():
    beat = read_beat(BODY)

    assert (beat.host, beat.total_memory_mb, beat.held_mb) == ("", 0, {})
    assert beat.gpus[0].device == "0"


def test_a_heartbeat_tells_what_its_machine_has():
    beat = read_beat(BODY | NEWS | {"gpus": [CARD]})

    assert (beat.host, beat.total_memory_mb, beat.held_mb) == ("f00f", 16000, {17: 900})
    assert beat.gpus[0].device == "GPU-1f35"


@pytest.mark.parametrize("missing", sorted(BODY.keys() - {"v"}))
def test_a_heartbeat_that_lacks_something_is_none(missing):
    body = {name: value for name, value in BODY.items() if name != missing}

    with pytest.raises(ValueError, match=f"not a heartbeat: .*{missing}"):
        read_beat(body)


@pytest.mark.parametrize(
    ("field", "said", "believed"),
    [
        ("slots", -1, 0),
        ("slots", 10**9, MAX_SLOTS),
        ("cpu", 1.7, 1.0),
        ("cpu", -0.1, 0.0),
        ("cpu", nan, 0.0),
        ("memory", inf, 0.0),
        ("free_memory_mb", -5, 0),
        ("incarnation", "a" * 33, "a" * 32),
        ("release", "9" * 65, "9" * 64),
        ("agent_version", "1" * 33, "1" * 32),
        ("platform", "x" * 129, "x" * 128),
        ("platform", "Linux\0\ud800", "Linux?"),
    ],
)
def test_what_a_node_says_of_itself_is_clamped(field, said, believed):
    assert getattr(read_beat(BODY | {field: said}), field) == believed


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("incarnation", ""),
        ("slots", None),
        ("slots", inf),
        ("cpu", "much"),
        ("cpu", 10**400),
        ("labels", ["site"]),
        ("capabilities", None),
        ("gpus", [{"index": 0}]),
        ("gpus", [3]),
        ("running", [[1, 2.0, 0.5]]),
        ("running", [[inf, 2.0, 0.5, ""]]),
        ("held_mb", [[1]]),
        ("held_mb", [["one", 2]]),
        ("held_mb", None),
        ("metrics", {"load": nan}),
        ("metrics", {"load": "x" * 20_000}),
    ],
)
def test_what_makes_no_sense_is_refused(field, said):
    with pytest.raises(ValueError):
        read_beat(BODY | {field: said})


def test_metrics_of_any_depth_are_read_or_refused():
    deep: dict = {}
    for _ in range(5000):
        deep = {"m": deep}

    with pytest.raises(ValueError):
        read_beat(BODY | {"metrics": deep})


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_json_that_is_no_object_is_no_heartbeat(body):
    with pytest.raises(ValueError):
        read_beat(body)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(BODY | NEWS, values)))
def test_any_change_to_a_heartbeat_makes_another_or_a_value_error(changes):
    check(BODY | changes)


@given(rows, cards)
def test_any_content_of_its_lists_makes_a_heartbeat_or_a_value_error(running, gpus):
    check(BODY | {"running": running})
    check(BODY | {"gpus": gpus})


def check(body: dict) -> None:
    """It is refused, or it can be placed by, stored, and shown."""
    try:
        beat = read_beat(body)
    except ValueError:
        return
    assert 1 <= len(beat.incarnation) <= 32
    assert 0 <= beat.slots <= MAX_SLOTS
    assert 0 <= beat.cpu <= 1
    assert 0 <= beat.memory <= 1
    assert 0 <= beat.free_memory_mb < 2**63
    assert 0 <= beat.total_memory_mb < 2**63
    assert all(0 <= held < 2**63 for held in beat.held_mb.values())
    for gpu in beat.gpus:
        assert min(gpu.index, gpu.memory_mb, gpu.free_mb) >= 0
    for running in beat.running:
        assert 0 <= running.progress <= 1
        assert datetime.fromtimestamp(running.started_at, UTC).year >= 1970
    json.dumps(beat.metrics, allow_nan=False)
    shown = [beat.incarnation, beat.release, beat.agent_version, beat.platform]
    shown += [beat.host, *beat.labels, *beat.labels.values(), *beat.capabilities]
    shown += [text for gpu in beat.gpus for text in (gpu.name, gpu.uuid)]
    shown += [running.message for running in beat.running]
    "".join(shown).encode()
    assert "\0" not in "".join(shown)


def test_a_heartbeat_names_its_tasks_by_a_digest_or_says_nothing_of_them():
    assert read_beat(BODY).tasks is None
    assert read_beat({**BODY, "tasks": ""}).tasks == ""
    assert read_beat({**BODY, "tasks": "d" * 99}).tasks == "d" * 64
