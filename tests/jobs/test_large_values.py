"""Large values on the Nexus: in rows there are references, in answers there are values."""

import hashlib
import json

import pytest

from hive_site.kernel.errors import Invalid
from jobs import blobs
from jobs.domain.references import is_reference, read_reference
from jobs.models import Blob, Subtask
from jobs.services import submit_job
from tests.jobs.stage import fresh, states

LONG = "é" * 40_000  # 80,000 bytes


def leave(text: str) -> str:
    """What a slot does before it reports: the reference."""
    return str(blobs.keep_all([text.encode()])[0])


def take(stage):
    """The bundle that is sent next."""
    return stage.bundle()


def test_a_large_item_is_stored_and_sent_by_reference(stage):
    job = submit_job(task="demo.echo", items=[LONG, 1], kwargs={"k": LONG})
    stage.hint(job)

    rows = list(Subtask.objects.order_by("index").values_list("item", flat=True))
    assert [is_reference(text) for text in rows] == [True, False]
    _, bundle = take(stage)
    assert (bundle.items[0][3].text, bundle.kwargs.text) == (rows[0], fresh(job).kwargs)
    assert json.loads(blobs.whole(rows[0])) == LONG


def test_a_value_is_stored_once(db):
    submit_job(task="demo.echo", items=[LONG + "once"] * 3)

    assert Blob.objects.count() == 1


def test_a_refused_submission_stores_nothing(db):
    with pytest.raises(Invalid, match="0 to 10"):
        submit_job(task="demo.echo", items=[LONG], priority=11)

    assert Blob.objects.count() == 0


def test_a_result_by_reference_is_a_result(stage, api):
    job = stage.submit(2, reduce="demo.echo")
    reference = leave(json.dumps(LONG))
    spore, bundle = take(stage)
    spore.succeed(bundle, result=reference)
    stage.read()

    spore, bundle = take(stage)
    spore.succeed(bundle, result="2")
    stage.read()

    url = f"/api/v1/jobs/{job.pk}"
    assert [r["result"] for r in api.get(f"{url}/results/").json()["results"]] == [LONG, 2]
    lines = b"".join(
        api.get(f"{url}/results/", headers={"accept": "application/x-ndjson"}).streaming_content
    )
    assert [json.loads(line)["result"] for line in lines.splitlines()] == [LONG, 2]
    _, bundle = take(stage)
    assert json.loads(blobs.resolve(bundle.items[0][3].text, blobs.read)) == [LONG, 2]


def test_a_long_list_of_small_results_is_reduced_by_reference(stage):
    stage.submit(3, reduce="demo.echo")
    for _ in range(3):
        spore, bundle = take(stage)
        spore.succeed(bundle, result=json.dumps("y" * 30_000 + str(bundle.items[0][1])))
        stage.read()

    _, bundle = take(stage)

    text = bundle.items[0][3].text
    assert read_reference(text)
    assert [value[-1] for value in json.loads(blobs.whole(text))] == ["0", "1", "2"]
    assert Subtask.objects.get(role="reduce").item == text  # or the sweep would not know of it


@pytest.mark.parametrize("text", [f"@{'0' * 64}:5", f"@{hashlib.sha256(b'1').hexdigest()}:9"])
def test_a_reference_to_nothing_is_no_result_and_is_tried_again(stage, text):
    leave("1")  # of another size than is claimed
    job = stage.submit(1, retries=1)
    spore, bundle = take(stage)

    spore.succeed(bundle, result=text)
    stage.read()

    row = Subtask.objects.get(job=job)
    assert (row.state, json.loads(row.error)["type"]) == ("retrying", "result_lost")
    Subtask.objects.update(state="waiting", error=None)
    stage.take_over()
    stage.run()


@pytest.mark.parametrize("text", ["@", '@["1"]', "@x:1", f"@{'A' * 64}:1"])
def test_what_only_looks_like_a_reference_is_dropped(stage, text):
    job = stage.submit(1)
    spore, bundle = take(stage)

    spore.succeed(bundle, 0, result=text)
    stage.read()

    assert (stage.workload.snapshot(stage.now)["dropped_reports"], states(job)) == (1, ["waiting"])
    spore.succeed(bundle)
    stage.read()


def test_a_large_result_that_came_as_text_is_stored_by_the_foreman(stage, api):
    job = stage.submit(1)
    spore, bundle = take(stage)

    spore.succeed(bundle, result=json.dumps(LONG, ensure_ascii=False))
    stage.read()

    assert is_reference(Subtask.objects.get().result)
    assert is_reference(fresh(job).result)
    assert api.get(f"/api/v1/jobs/{job.pk}/").json()["result"] == LONG
    [row] = api.get("/api/v1/jobs/").json()["results"]
    assert row["result"]["$blob"].startswith("/api/v1/blobs/")


def test_a_full_disk_keeps_the_result_in_its_row(stage, monkeypatch):
    stage.submit(1)
    spore, bundle = take(stage)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.blob_files.AtomicFiles._save", full)
    spore.succeed(bundle, result=json.dumps(LONG + "full"))
    stage.read()

    assert json.loads(Subtask.objects.get().result) == LONG + "full"


def test_a_stored_value_that_is_gone_says_so_and_spoils_no_page(stage, api):
    job = stage.submit(1)
    spore, bundle = take(stage)
    reference = leave(json.dumps(LONG + "gone"))
    spore.succeed(bundle, result=reference)
    stage.read()

    blobs.storage().delete(blobs.place(read_reference(reference).sha256))

    [row] = api.get(f"/api/v1/jobs/{job.pk}/results/").json()["results"]
    assert (row["result"], row["error"]["type"]) == (None, "result_lost")
