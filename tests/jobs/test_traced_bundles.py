"""A bundle says by which span it was sent, if it was by any."""

import json

from jobs.wire import Piece, compose, read_bundle
from tests.hive_site.kernel.spans import PARENT

WHAT = {
    **{"node": "bee", "incarnation": "i", "job": "job_1", "stop_token": "job_1.1"},
    **{"task": "demo.echo", "total": 1, "timeout": 60.0, "first": 1, "kwargs": "{}"},
    **{"gpus": (), "idempotent": True, "now": 0.0},
}


def sent(**also):
    return json.loads(compose(**WHAT, pieces=[Piece(1, 0, 1, "null")], **also))


def test_the_span_travels_along():
    body = sent(traceparent=PARENT)

    assert read_bundle(body, node="bee", incarnation="i").traceparent == PARENT


def test_without_one_nothing_is_longer():
    body = sent()

    assert "traceparent" not in body
    assert read_bundle(body, node="bee", incarnation="i").traceparent == ""
