import pytest
from django.contrib.admin.models import LogEntry

from nodes.audit import record
from nodes.models import Node


@pytest.mark.django_db
def test_what_somebody_did_is_kept_with_a_link_to_what_it_was_done_to(admin_user):
    node = Node.objects.create(name="spore-1")

    record(admin_user, node, "drained; 3 subtasks ran there")

    row = LogEntry.objects.get()
    assert (row.user, row.object_repr) == (admin_user, "spore-1")
    assert row.get_change_message() == "drained; 3 subtasks ran there"
    assert row.get_admin_url() == f"/admin/nodes/node/{node.pk}/change/"
