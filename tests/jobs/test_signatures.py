from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import pytest

from jobs.signatures import describe
from jobs.validation import known_tasks


def of(hint):
    """The schema of an item of that type."""

    def run(ctx, item: hint): ...

    return describe(run).get("item")


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (Any, {}),
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[float], {"type": "array", "items": {"type": "number"}}),
        (dict[str, Any], {"type": "object"}),
        (Mapping[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (datetime, None),
        (list[datetime], None),
        (dict[int, str], None),
        (int | datetime, None),
        ("NoSuchName", None),
    ],
    ids=str,
)
def test_an_annotation_is_told_as_json_schema_if_json_knows_it(hint, schema):
    assert of(hint) == schema


def test_keyword_arguments_are_told_with_their_defaults():
    def run(ctx, item, *, a: int, b: str = "x", c=None, d: datetime | None = None): ...

    assert describe(run) == {
        "kwargs": {
            "type": "object",
            "properties": {
                "a": {"type": "integer"},
                "b": {"type": "string", "default": "x"},
                "c": {"default": None},
                "d": {"default": None},
            },
            "required": ["a"],
            "additionalProperties": False,
        }
    }


def test_a_task_that_takes_any_keyword_says_so():
    def run(ctx, item, **options: Any): ...

    assert describe(run)["kwargs"]["additionalProperties"] is True


def test_every_built_in_task_tells_its_keywords():
    registry = known_tasks()

    assert all(describe(registry.get(name).run).get("kwargs") for name in registry)
    assert describe(registry.get("articles.summarise").run)["kwargs"]["properties"] == {
        "sentences": {"type": "integer", "default": 3}
    }
