import pytest

from hive_site.kernel.errors import Invalid
from jobs.registry import Task
from jobs.requirements import (
    MAX_AVOIDED,
    MAX_CAPABILITIES,
    MAX_LABELS,
    check_labels,
    merge_requirements,
)


def merge(wish, **options):
    return merge_requirements(Task("app.verb", print, **options), wish)


def test_who_needs_nothing_requires_nothing():
    assert merge({}) == {}


def test_the_jobs_value_counts_where_both_name_one():
    made = merge(
        {"gpu": 2, "labels": {"site": "lab"}},
        gpu=1,
        memory_mb=50,
        labels={"site": "attic", "rack": "1"},
    )

    assert made == {"gpu": 2, "memory_mb": 50, "labels": {"site": "lab", "rack": "1"}}


def test_a_job_can_do_without_what_its_task_asks_for():
    assert merge({"gpu": 0, "memory_mb": 0}, gpu=1, memory_mb=50) == {}


def test_none_leaves_it_to_the_task():
    wish = dict.fromkeys(["gpu", "memory_mb", "labels", "capabilities"])

    assert merge(wish, gpu=1, capabilities=("a",)) == {"gpu": 1, "capabilities": ["a"]}


def test_capabilities_add_up():
    wish = {"capabilities": ["ffmpeg", "avx2"]}

    assert merge(wish, capabilities=("avx2", "c++")) == {"capabilities": ["avx2", "c++", "ffmpeg"]}


def test_memory_of_a_gpu_takes_a_gpu():
    assert merge({"gpu_memory_mb": 8000}) == {"gpu": 1, "gpu_memory_mb": 8000}
    assert merge({"gpu_memory_mb": 8000, "gpu": 2})["gpu"] == 2


def test_nodes_to_avoid_and_releases_that_will_do_are_kept_as_they_were_given():
    wish = {"avoid": ["b", "a", "b"], "release": ">=1.4,<2"}

    assert merge(wish) == {"avoid": ["a", "b"], "release": ">=1.4,<2"}
    assert merge({"avoid": [], "release": None}) == {}


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        ([], "requires"),
        ("gpu", "requires"),
        ({"gpus": 1}, "requires.gpus"),
        ({"gpu": True}, "requires.gpu"),
        ({"gpu": 1.0}, "requires.gpu"),
        ({"gpu": 65}, "requires.gpu"),
        ({"memory_mb": -1}, "requires.memory_mb"),
        ({"labels": []}, "requires.labels"),
        ({"labels": "a=b"}, "requires.labels"),
        ({"labels": False}, "requires.labels"),
        ({"capabilities": "ffmpeg"}, "requires.capabilities"),
        ({"capabilities": {}}, "requires.capabilities"),
        ({"capabilities": 0}, "requires.capabilities"),
        ({"capabilities": ["with space"]}, "requires.capabilities"),
        ({"capabilities": [5]}, "requires.capabilities"),
        ({"capabilities": ["x"] * (MAX_CAPABILITIES + 1)}, "requires.capabilities"),
        ({"avoid": "spore-1"}, "requires.avoid"),
        ({"avoid": ["spore 1"]}, "requires.avoid"),
        ({"avoid": [None]}, "requires.avoid"),
        ({"avoid": ["x"] * (MAX_AVOIDED + 1)}, "requires.avoid"),
        ({"release": 1.4}, "requires.release"),
        ({"release": "=>1.4"}, "requires.release"),
        ({"release": ["1.4"]}, "requires.release"),
    ],
)
def test_what_is_wrong_is_named(wish, where):
    with pytest.raises(Invalid) as fact:
        merge(wish)

    assert fact.value.field == where


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {"1": "a database takes it for a place in a list"},
        {"a b": "x"},
        {"a__b": None},
        {"a": 1},
        {"a": "two\nlines"},
        {"a": "\ud800"},
        {"a": "x" * 201},
        {"a" * 64: "x"},
        {5: "x"},
        {f"a{n}": "" for n in range(MAX_LABELS + 1)},
        [],
        None,
    ],
)
def test_labels_are_short_names_with_short_texts(labels):
    with pytest.raises(Invalid) as fact:
        check_labels(labels, field="labels")

    assert fact.value.field == "labels"


def test_labels_that_are_ones_are_taken():
    labels = {"site": "", "kubernetes.io/arch": "arm64", "Rack_7-b": "é" * 200}

    assert check_labels(labels, field="labels") == labels
