"""History in the database: written a little at a time, by whoever leads."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from hive_site.kernel.errors import Deposed
from nodes.archive import NODES_AT_ONCE, Archive
from nodes.domain.series import COARSE, FINE, read_strip
from nodes.leadership import Leadership
from nodes.models import HistoryChunk, Lease
from tests.nodes.cast import START, after

pytestmark = pytest.mark.django_db
AT = START.timestamp()
NODE = [0.5, 0.25, None, None, 1.0]
CLUSTER = [1.0] * 11


@pytest.fixture
def archive(redis_client):
    leadership = Leadership(redis_client)
    assert leadership.hold(START)
    return Archive(leadership)


def sample(nodes: int) -> dict[str, list]:
    return {"cluster": CLUSTER, **{f"node/{n}": NODE for n in range(nodes)}}


def feed(archive: Archive, *, since: int = 0, seconds: int, nodes: int = 0) -> None:
    for second in range(since, since + seconds):
        archive.take(sample(nodes), AT + second)


def written(scope: str = "cluster", level=FINE) -> list[tuple[float, list]]:
    rows = HistoryChunk.objects.filter(scope=scope, step=level.step).order_by("start")
    return [
        (at - AT, values)
        for row in rows
        for at, values in read_strip(scope, level, row.start, bytes(row.data))
    ]


def test_an_interval_is_written_when_it_is_over(archive):
    feed(archive, seconds=10)
    archive.write(after(10))
    assert not HistoryChunk.objects.exists()
    feed(archive, since=10, seconds=11)

    archive.write(after(21))

    assert written() == [(0, CLUSTER), (10, CLUSTER)]


def test_a_chunk_grows_where_it_is(archive):
    for since in range(0, 60, 10):
        feed(archive, since=since, seconds=10)
        archive.write(after(since + 10))

    assert len(written()) == 5
    assert HistoryChunk.objects.count() == 1


def test_an_hour_fills_a_chunk_and_five_minutes_a_row_of_a_day(archive):
    for second in range(0, 3700, 10):
        archive.take(sample(0), AT + second)
    archive.write(after(3700))

    fine, coarse = (HistoryChunk.objects.filter(step=level.step) for level in (FINE, COARSE))
    assert [row.start - AT for row in fine.order_by("start")] == [0, 3600]
    assert [at for at, _ in written(level=COARSE)] == [300 * n for n in range(12)]
    assert coarse.count() == 1


def test_of_many_nodes_those_that_waited_longest_are_written_first(archive):
    feed(archive, seconds=11, nodes=25)

    counts = []
    for second in range(3):
        archive.write(after(11 + second))
        counts.append(HistoryChunk.objects.filter(scope__startswith="node/").count())

    assert counts == [NODES_AT_ONCE, 2 * NODES_AT_ONCE, 25]


def test_nobody_waits_for_ever_while_chunks_go_on_growing(archive):
    for second in range(60):
        archive.take(sample(30), AT + second)
        archive.write(after(second))

    assert HistoryChunk.objects.filter(scope__startswith="node/").count() == 30


def test_nothing_new_writes_nothing(archive, django_assert_num_queries):
    feed(archive, seconds=11)
    archive.write(after(11))

    with django_assert_num_queries(0):
        archive.write(after(12))


def test_an_outage_leaves_it_to_be_tried_again(archive, monkeypatch):
    feed(archive, seconds=11, nodes=1)

    def fail(*args, **options):
        raise OperationalError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(HistoryChunk.objects, "bulk_create", fail)
        with pytest.raises(OperationalError):
            archive.write(after(11))
    archive.write(after(12))

    assert len(written()) == len(written("node/0")) == 1


def test_whoever_leads_no_more_writes_nothing(archive):
    feed(archive, seconds=11)
    Lease.objects.update(holder="another", epoch=9)

    with pytest.raises(Deposed):
        archive.write(after(11))

    assert not HistoryChunk.objects.exists()


def test_a_new_leader_begins_chunks_of_its_own(archive, redis_client):
    feed(archive, seconds=31)
    archive.write(after(31))
    successor = Archive(archive._leadership)
    feed(successor, since=45, seconds=36)

    successor.write(after(81))

    assert [row.start - AT for row in HistoryChunk.objects.order_by("start")] == [0, 40]
    assert [at for at, _ in written()] == [0, 10, 20, 40, 50, 60, 70]


def test_a_node_that_went_away_leaves_a_gap(archive):
    feed(archive, seconds=20, nodes=1)
    feed(archive, since=20, seconds=30)
    feed(archive, since=50, seconds=11, nodes=1)

    archive.write(after(61))

    assert [at for at, _ in written("node/0")] == [0, 10, 50]


def test_what_is_too_old_is_deleted_a_little_at_a_time(archive):
    def chunks(level, age: timedelta, count: int = 1) -> None:
        start = int((START - age).timestamp())
        HistoryChunk.objects.bulk_create(
            HistoryChunk(scope=f"node/{n}", step=level.step, start=start, data=b"")
            for n in range(count)
        )

    chunks(FINE, timedelta(hours=26), count=150)
    chunks(FINE, timedelta(hours=24))
    chunks(COARSE, timedelta(days=32))
    chunks(COARSE, timedelta(days=30))

    left = []
    for seconds in (0, 1, 61):
        archive.write(after(seconds))
        left.append(HistoryChunk.objects.count())

    assert left == [52, 52, 2]


def test_nodes_that_are_silent_for_an_hour_take_no_memory(archive):
    feed(archive, seconds=1, nodes=5)
    archive.take(sample(0), AT + 4000)

    archive.write(after(4000))

    assert set(archive._rollers) == {"cluster"}


def test_a_leader_that_comes_back_leaves_alone_what_another_wrote_meanwhile(archive, redis_client):
    feed(archive, seconds=4)
    rival = Leadership(redis_client)
    assert rival.hold(after(60))
    other = Archive(rival)
    for second in range(5, 3000, 10):
        other.take(sample(0), AT + second)
    other.write(after(3000))
    before = written(level=COARSE)
    rival.release()
    assert archive._leadership.hold(after(3010)) or archive._leadership.hold(after(3020))

    for second in range(3020, 3900, 10):
        archive.take(sample(0), AT + second)
    archive.write(after(3900))

    assert written(level=COARSE)[: len(before)] == before
    assert [at for at, _ in written()][:299] == [10 * n for n in range(299)]


def test_a_clock_that_was_an_hour_ahead_does_not_end_the_history(archive):
    feed(archive, seconds=21)
    archive.take(sample(0), AT + 3600)
    archive.take(sample(0), AT + 3610)
    feed(archive, since=40, seconds=31)

    archive.write(after(71))

    assert [at for at, _ in written()] == [0, 10, 20, 40, 50, 60, 3600]
