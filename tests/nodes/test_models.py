from datetime import UTC, datetime

from nodes.models import ApiKey, Lease, LoginLink, Node, ReportCursor


def test_the_operators_labels_win_over_the_nodes_own():
    node = Node(own_labels={"site": "lab", "rack": "1"}, set_labels={"site": "attic"})

    assert node.labels == {"site": "attic", "rack": "1"}


def test_every_row_has_a_name_that_people_can_use():
    rows = [
        Node(name="spore-1"),
        Lease(epoch=7, holder="box:1:ab"),
        Lease(epoch=7),
        ReportCursor(node="spore-1", entry="17-0"),
        ApiKey(name="ci", prefix="hive_abcde"),
        LoginLink(user_id=3, expires_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC)),
    ]

    assert [str(row) for row in rows] == [
        "spore-1",
        "epoch 7, held by box:1:ab",
        "epoch 7, held by nobody",
        "spore-1 17-0",
        "ci (hive_abcde…)",
        "for 3, until 2026-01-02 03:04",
    ]
