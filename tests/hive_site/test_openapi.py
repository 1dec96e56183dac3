"""The OpenAPI document: complete, valid, and the one that is checked in."""

import json

import pytest

from hive_site.commands.openapi import draw_document, run
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import Invalid
from nodes.api.openapi import hoist, operations

CHECKED_IN = PROJECT / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document():
    return json.loads(draw_document())


def test_the_document_that_is_checked_in_is_current():
    assert CHECKED_IN.read_text() == draw_document(), "run `make openapi`"


def test_every_operation_says_what_it_does_and_which_errors_it_knows(document):
    for _, operation in operations(document):
        responses = operation["responses"]
        assert operation["description"]
        assert {"401", "403", "429", "503"} <= responses.keys(), operation["operationId"]
        for status, response in responses.items():
            assert response["description"]
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"]


def test_every_operation_takes_a_key_or_a_session_and_what_nodes_fetch_a_node_too(document):
    for _, operation in operations(document):
        if operation["operationId"] == "nodes_join":  # whoever joins is nobody yet
            assert operation["security"] == [{"invite": []}]
            continue
        ways = [way for way in operation["security"] if way != {"node": []}]
        assert ways == [{"apiKey": []}, {"cookieAuth": []}]
        assert ({"node": []} in operation["security"]) == operation["operationId"].startswith(
            ("blobs_", "packages_", "wheels_", "ota_sync", "ota_root", "ota_metadata")
        )


def test_bodies_are_objects_that_take_nothing_unknown(document):
    bodies = [
        operation["requestBody"]
        for _, operation in operations(document)
        # A stored value is any JSON, named by its hash.
        if "requestBody" in operation and not operation["operationId"].startswith("blobs_")
    ]
    for body in bodies:
        [reference] = [content["schema"]["$ref"] for content in body["content"].values()]
        schema = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert schema["additionalProperties"] is False, reference


def test_two_shapes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two schemas are called A"):
        hoist([{"title": "A", "type": "string"}, {"title": "A", "type": "integer"}], {})


def test_it_can_be_written_to_a_file(tmp_path, capsys):
    assert run({"out": str(tmp_path / "o.json")}) == 0
    assert run({"out": None}) == 0
    assert capsys.readouterr().out == (tmp_path / "o.json").read_text()
    with pytest.raises(Invalid, match="--out"):
        run({"out": str(tmp_path)})
