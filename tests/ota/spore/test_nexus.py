"""A node asks the Nexus: signed, bounded, and told plainly what went wrong."""

import time

import pytest

from hive_site.kernel.envelope import seal
from ota.spore import nexus as module
from ota.spore.nexus import NexusAway, NexusClient, Refused
from tests.ota.spore.desk import KEY, NODE, hang_up, refuse


def test_what_a_node_tells_arrives_and_orders_come_back(desk):
    orders = desk.client().sync({"phase": "idle"})

    assert orders == {"rev": 1, "order": "none"}
    assert desk.synced == [{"phase": "idle"}]


def test_the_root_comes_back_byte_for_byte_as_it_was_sealed(desk):
    desk.root = '{ "version":1 }'

    assert desk.client().root() == b'{ "version":1 }'


def test_a_root_that_was_sealed_with_another_key_is_refused(desk):
    forged = seal("{}", key=b"other", purpose="root").decode()
    desk.faults["root"].append(lambda answer, *_: answer.tell(200, {"root": forged}))

    with pytest.raises(Refused, match="the root of trust is forged"):
        desk.client().root()


def test_metadata_are_asked_for_from_a_root_on_and_the_signature_leaves_the_query_out(desk):
    assert desk.client().metadata(3)["asked"] == {"root_from": ["3"]}


def test_wheels_are_listed_by_lock(desk):
    desk.files["wheels"]["a-1.0-py3-none-any.whl"] = b"a"

    (found,) = desk.client().wheels("f" * 64)

    assert found["name"] == "a-1.0-py3-none-any.whl"
    assert desk.asked[-1][0] == f"/api/v1/ota/wheels/?lock={'f' * 64}"


def test_a_nexus_that_is_busy_says_when_to_come_back(desk):
    desk.faults["sync"].append(refuse(503, Retry_After="7"))

    with pytest.raises(NexusAway, match="503 not now") as fact:
        desk.client().sync({})

    assert fact.value.retry_after == 7.0


def test_a_nexus_that_hangs_up_or_is_not_there_is_away(desk):
    desk.faults["sync"].append(hang_up)

    with pytest.raises(NexusAway):
        desk.client().sync({})
    with pytest.raises(NexusAway, match=r"127\.0\.0\.1:1"):
        NexusClient("http://127.0.0.1:1", NODE, KEY).sync({})
    with pytest.raises(NexusAway):
        NexusClient("", NODE, KEY).sync({})


def test_a_refusal_has_its_status_and_reason(desk):
    desk.faults["sync"].append(refuse(403))

    with pytest.raises(Refused, match="403 not now") as fact:
        desk.client().sync({})

    assert (fact.value.status, fact.value.reason) == (403, "not now")


def test_a_redirect_leads_nowhere(desk):
    desk.faults["sync"].append(refuse(302, Location="http://127.0.0.1:1/"))

    with pytest.raises(Refused, match="302"):
        desk.client().sync({})


def test_an_answer_without_an_end_is_cut_short(desk, monkeypatch):
    monkeypatch.setattr(module, "MAX_JSON_BYTES", 100)
    desk.faults["sync"].append(lambda answer, *_: answer.tell(200, {"x": "y" * 200}))

    with pytest.raises(NexusAway, match="more than 100 bytes"):
        desk.client().sync({})


def test_an_answer_that_trickles_is_not_waited_for(desk):
    looks = iter(range(0, 1000, 31))

    with pytest.raises(NexusAway, match="within 30 s"):
        desk.client(timer=lambda: next(looks)).sync({})


@pytest.mark.parametrize("text", [[1], "text", None])
def test_an_answer_that_is_no_object_is_none(desk, text):
    desk.faults["sync"].append(lambda answer, *_: answer.tell(200, text))

    with pytest.raises(NexusAway, match="something else than a JSON object"):
        desk.client().sync({})


def test_a_node_whose_clock_is_an_hour_off_is_let_in_with_the_time_of_the_nexus(desk):
    client = desk.client(clock=lambda: time.time() - 3600)

    assert client.sync({}) == {"rev": 1, "order": "none"}
    assert client.skew == pytest.approx(3600, abs=5)
    assert desk.times("sync") == 2


def test_a_node_with_the_wrong_key_is_refused_once(desk):
    client = NexusClient(desk.url, NODE, b"wrong")

    with pytest.raises(Refused, match="401"):
        client.sync({})

    assert desk.times("sync") == 1
