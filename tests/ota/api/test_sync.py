import time

from django.conf import settings

from hive_site.kernel.envelope import node_key
from hive_site.kernel.signed_requests import authorization
from tests.ota.cast import SYNC


def test_a_node_reports_with_its_signature(cluster):
    answer = cluster.nodes["spore-0"].post(cluster.nodes["spore-0"].report())

    assert answer.status_code == 200
    assert answer.json()["poll"] == 60


def test_a_key_is_no_node(cluster, api):
    answer = api.post(SYNC, cluster.nodes["spore-0"].report(), format="json")

    assert answer.status_code == 403


def test_another_nodes_key_signs_for_nobody_else(cluster):
    node = cluster.nodes["spore-0"]
    key = node_key(settings.HIVE_FLEET_KEY, "spore-1")
    header = authorization(node="spore-0", key=key, method="POST", path=SYNC, now=time.time())

    answer = cluster._client.post(SYNC, node.report(), format="json", HTTP_AUTHORIZATION=header)

    assert answer.status_code == 401


def test_a_bad_report_names_the_field(cluster):
    node = cluster.nodes["spore-0"]

    answer = node.post({**node.report(), "phase": "asleep"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/phase"
