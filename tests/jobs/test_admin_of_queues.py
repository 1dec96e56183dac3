import pytest

from jobs.models import Queue

pytestmark = pytest.mark.django_db
URL = "/admin/jobs/queue/"


def test_every_queue_can_be_paused_before_anybody_ever_did(admin_client, redis, settings):
    page = admin_client.get(URL).content.decode()

    assert all(name in page for name in settings.HIVE.queues)


def test_looking_at_the_queues_opens_none(admin_client, redis):
    Queue.objects.create(name="background", paused=True)

    admin_client.get(URL)

    assert Queue.objects.get(name="background").paused


def test_no_queue_is_resumed_by_deleting_it(admin_client, redis):
    Queue.objects.create(name="background", paused=True)

    assert admin_client.post(f"{URL}background/delete/", {"post": "yes"}).status_code == 403
