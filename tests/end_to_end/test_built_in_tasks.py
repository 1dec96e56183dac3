"""Every built-in task does through the whole Hive what the contract's table says."""

import pytest

from jobs.client import JobFailed
from tests.end_to_end.endpoint import STORY

pytestmark = pytest.mark.processes


@pytest.mark.parametrize(
    ("task", "items", "results"),
    [
        (
            "demo.echo",
            [None, True, 1.5, "ü\u2028", {"a": [1]}],
            [None, True, 1.5, "ü\u2028", {"a": [1]}],
        ),
        ("demo.flaky", [0, 1, 2], [1, 2, 3]),
        ("demo.allocate", [2], [2_000_000]),
        ("demo.stream", [0, 3], [0, 3]),
        ("demo.payload", [0, 3], ["", "xxx"]),
        ("demo.spin", [0.01], ["spun"]),
        ("math.count_primes", [[0, 10], [10, 20], [0, 100_000]], [4, 4, 9592]),
        ("text.word_count", ["to bee or not to bee"], [{"to": 2, "bee": 2, "or": 1, "not": 1}]),
    ],
)
def test_the_results_are_those_of_the_table(hive, task, items, results):
    assert hive.map(task, items, timeout=30) == results


def test_sleep_and_whoami_tell_where_they_ran(colony, hive):
    [slept] = hive.map("demo.sleep", [0], timeout=30)
    [who] = hive.map("demo.whoami", [None], timeout=30)

    assert slept.keys() == {"node", "pid", "attempt"}
    assert who.keys() == {"node", "pid", "attempt", "release", "cuda_visible_devices"}
    assert slept["pid"] in [slot.pid for slot in colony.slots(slept["node"])]
    assert (who["attempt"], who["release"]) == (1, colony.nodes()[who["node"]]["release"])


def test_fail_raises_its_message(hive):
    with pytest.raises(JobFailed, match="no luck"):
        hive.map("demo.fail", ["no luck"], retries=0, timeout=30)


def test_a_large_result_arrives_whole(hive):
    assert hive.map("demo.payload", [1_000_000], timeout=30) == ["x" * 1_000_000]


def test_articles_are_summarised_and_put_together(hive, web):
    job = hive.submit(
        "articles.summarise",
        [f"{web}/1", f"{web}/2"],
        kwargs={"sentences": 1},
        reduce="articles.digest",
    )

    digest = hive.wait(job["id"], 30)["result"]
    [first, second] = [row["result"] for row in hive.results(job["id"])]

    assert first.keys() == {"url", "title", "summary", "words"}
    assert (first["title"], first["url"]) == ("Bees", f"{web}/1")
    assert first["summary"] == STORY.split(". ")[0] + "."
    assert digest.startswith("# Digest of 2 articles")
    assert second["url"] in digest


def test_a_language_model_is_instructed_with_text_and_with_pages(hive, web):
    text, page = hive.map(
        "llm.instruct", ["honey", f"{web}/1"], kwargs={"instruction": "Say it."}, timeout=30
    )

    assert text == "Say it. | honey"
    assert page.startswith("Say it. | Bees")
