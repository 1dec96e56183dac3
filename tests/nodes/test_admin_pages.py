import pytest

from nodes import admin_pages
from nodes.admin_pages import CappedPaginator
from nodes.models import ReportCursor


@pytest.mark.django_db
def test_counting_stops_at_the_cap(monkeypatch):
    monkeypatch.setattr(admin_pages, "COUNTED", 3)
    for n in range(5):
        ReportCursor.objects.create(node=f"spore-{n}")
    rows = ReportCursor.objects.order_by("node")

    assert CappedPaginator(rows, 2).count == 3
    assert CappedPaginator(rows.filter(node="spore-1"), 2).count == 1
    assert [row.node for row in CappedPaginator(rows, 2).page(2)] == ["spore-2"]
