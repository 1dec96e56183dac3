import pytest

from hive_site.kernel.errors import NotFound
from jobs.models import Queue
from jobs.services import pause_queue, resume_queue
from nodes import wire

pytestmark = pytest.mark.usefixtures("db", "redis")


def test_a_queue_is_paused_and_resumed_as_often_as_one_likes():
    for verb, paused in [(pause_queue, True), (pause_queue, True), (resume_queue, False)]:
        verb(name="background")

        assert Queue.objects.get().paused is paused


def test_resuming_a_queue_that_was_never_paused_is_fine():
    resume_queue(name="high_priority")

    assert not Queue.objects.get().paused


@pytest.mark.parametrize("verb", [pause_queue, resume_queue])
def test_a_queue_that_the_settings_do_not_name_is_not_found(verb):
    with pytest.raises(NotFound, match="'express'; there are high_priority, background"):
        verb(name="express")

    assert not Queue.objects.exists()


def test_the_foreman_is_told(redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        pause_queue(name="background")

    [(_, hint)] = redis.xrange(wire.INBOX)
    assert hint == {b"what": b"queue", b"subject": b"background"}
