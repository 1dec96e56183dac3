"""The alerts ask for what there is, and say what to do."""

import re
import shutil
import subprocess

import pytest
import yaml

from hive_site.configuration import PROJECT
from tests.deploy.exported import find_unknown, read_exported

GROUPS = yaml.safe_load((PROJECT / "deploy/prometheus/rules.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]


def test_every_expression_asks_for_what_is_exported(api, redis):
    exported = read_exported(api, redis)

    assert [unknown for rule in RULES for unknown in find_unknown(rule["expr"], exported)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_what_to_do_is_written_down(rule):
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    heads = re.findall(r"^#+ (.+)$", (PROJECT / page).read_text(), re.MULTILINE)

    assert anchor == rule["alert"].lower()
    assert anchor in [head.lower().replace(" ", "-") for head in heads]


def test_alerts_fire_when_they_should():
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    place = PROJECT / "deploy/prometheus"

    for argv in (
        ["check", "config", "--syntax-only", "prometheus.yml"],
        ["test", "rules", "rules_test.yml"],
    ):
        ran = subprocess.run(
            [promtool, *argv], cwd=place, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_alert_is_tested():
    tests = yaml.safe_load((PROJECT / "deploy/prometheus/rules_test.yml").read_text())["tests"]
    fired = {
        case["alertname"]
        for each in tests
        for case in each["alert_rule_test"]
        if case["exp_alerts"]
    }

    assert fired == {rule["alert"] for rule in RULES}


def test_alerts_have_names_of_their_own():
    names = [rule["alert"] for rule in RULES]

    assert len(names) == len(set(names))
