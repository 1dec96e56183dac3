"""What the matrix of nodes decides: groups, colours, who comes first."""

from hive_site.pages import matrix


def row(**also):
    return {
        **{"state": "online", "slots": 4, "running": 1, "cpu": 0.5, "memory": 0.2},
        **{"release": "1.0", "labels": {}},
    } | also


def test_only_slots_of_nodes_that_are_there_count():
    rows = {"a": row(), "b": row(state="lost")}

    [group] = matrix.draw(rows, label="", colour="state")

    assert (group.slots, group.busy, group.share) == (4, 1, 0.25)
    assert group.state == "lost"


def test_nodes_without_the_label_come_last():
    rows = {"a": row(), "b": row(labels={"site": "zurich"}), "c": row(labels={"site": "paris"})}

    groups = matrix.draw(rows, label="site", colour="state")

    assert [group.name for group in groups] == ["paris", "zurich", "without"]


def test_the_newest_release_is_the_first_by_version_and_not_by_letter():
    assert matrix.rank_releases(["1.9", "1.10", "odd", "1.10"]) == {"1.10": 0, "1.9": 1, "odd": 2}


def test_old_releases_share_the_last_colour():
    ranks = matrix.rank_releases(f"1.{n}" for n in range(9))

    assert ranks["1.8"] == 0
    assert {ranks[f"1.{n}"] for n in range(5)} == {matrix.RANKS - 1}


def test_a_load_is_told_in_five_steps():
    assert [matrix.level_of(load) for load in (0, 0.19, 0.2, 0.99, 1.0)] == [0, 0, 1, 4, 4]


def test_labels_of_most_nodes_are_offered_first():
    rows = {"a": row(labels={"site": "x"}), "b": row(labels={"site": "y", "gpu": "1"})}

    assert matrix.labels_of(rows) == ["site", "gpu"]
