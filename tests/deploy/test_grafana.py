"""The dashboard shows what there is to show."""

import json
import re

import pytest

from hive_site.configuration import PROJECT
from tests.deploy.exported import ADDED, find_unknown, read_exported

BOARD = json.loads((PROJECT / "deploy/grafana/hive.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TARGETS = [target for panel in PANELS for target in panel["targets"]]
NOTES = BOARD["annotations"]["list"]
VARIABLES = {variable["name"]: variable for variable in BOARD["templating"]["list"]}


@pytest.fixture
def exported(api, redis):
    return read_exported(api, redis)


def test_every_expression_asks_for_what_is_exported(exported):
    expressions = [each["expr"] for each in [*TARGETS, *NOTES]]

    assert [unknown for expr in expressions for unknown in find_unknown(expr, exported)] == []


def test_every_metric_is_shown(exported):
    shown = " ".join(each["expr"] for each in [*TARGETS, *NOTES])
    chosen_from = " ".join(variable.get("definition", "") for variable in VARIABLES.values())

    # Of what every program in Python tells there is more than anybody looks at.
    ours = [name for name in exported if name.startswith("hive_")]
    assert [name for name in ours if name not in shown + chosen_from] == []


def test_what_one_may_choose_is_exported(exported):
    for variable in VARIABLES.values():
        if variable["type"] == "query":
            metric, label = re.findall(r"\((\w+).*, (\w+)\)", variable["definition"])[0]
            assert label in exported[metric] | ADDED, variable["name"]


def test_legends_name_labels_that_are_left():
    for target in TARGETS:
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert f"by ({label})" in target["expr"] or "topk" in target["expr"], target


def test_the_data_source_is_asked_for_when_it_is_imported():
    assert VARIABLES["datasource"]["type"] == "datasource"
    for each in [*PANELS, *TARGETS, *NOTES]:
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_several_nexuses_are_not_added_up():
    for target in TARGETS:
        assert 'job="$hive"' in target["expr"]
        assert "max" in target["expr"]
        assert not re.search(r"\bsum\b", target["expr"])


def test_every_variable_exists():
    used = set(re.findall(r"\$(\w+)", " ".join(target["expr"] for target in TARGETS)))

    assert used <= set(VARIABLES)


def test_grafana_can_read_it():
    ids = [panel["id"] for panel in BOARD["panels"]]

    assert (BOARD["schemaVersion"], len(ids)) == (39, len(set(ids)))
    assert all(panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)


def test_no_panel_lies_on_another():
    taken = set()
    for box in (panel["gridPos"] for panel in BOARD["panels"]):
        assert box["x"] + box["w"] <= 24
        cells = {
            (x, y)
            for x in range(box["x"], box["x"] + box["w"])
            for y in range(box["y"], box["y"] + box["h"])
        }
        assert not cells & taken
        taken |= cells
