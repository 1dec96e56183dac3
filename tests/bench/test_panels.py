from bench.panels import draw_up
from tests.bench.documents import DOCUMENT


def row(workload, figure, unit="ms", *, more=False, **medians):
    sides = {n: {"median": v, "lowest": v, "highest": v} for n, v in medians.items()}
    facts = {"workload": workload, "figure": figure, "title": f"… {workload}"}
    return {**facts, "unit": unit, "more_is_better": more, "sides": sides}


def test_the_best_is_on_top_and_the_hive_stands_out():
    (panel,) = draw_up(DOCUMENT)

    assert [(bar.title, bar.is_hive) for bar in panel.bars] == [
        ("Hive", True),
        ("Huey", False),
        ("Rq", False),
    ]
    assert panel.about == "items/s, more is better (logarithmic)"


def test_less_of_a_time_is_better():
    (panel,) = draw_up({**DOCUMENT, "figures": [row("latency", "p50", hive=2, rq=1)]})

    assert [bar.title for bar in panel.bars] == ["Rq", "Hive"]
    assert panel.title == "latency"


def test_shares_of_a_whole_are_compared_as_they_are():
    figures = [row("tens", "efficiency", "% of ideal", more=True, hive=90)]

    (panel,) = draw_up({**DOCUMENT, "figures": figures})

    assert not panel.logarithmic
    assert panel.about == "% of ideal, more is better"


def test_what_was_not_measured_is_not_drawn():
    assert draw_up({**DOCUMENT, "figures": [row("map", "rate"), row("post", "s", hive=1)]}) == []
