from typing import Any, Literal

import pytest
from django import forms

from jobs.signatures import describe
from jobs.task_forms import keyword_fields, make_field, read_keywords


def render(
    ctx,
    item,
    *,
    size: int,
    scale: float = 1.5,
    title: str = "bee",
    fast: bool = False,
    mode: Literal["draft", "final"] = "draft",
    limit: int | None = None,
    tags: list[str] | None = None,
    other: Any = None,
    untyped=7,
):
    """Takes one of everything."""


SCHEMA = describe(render)["kwargs"]
FIELDS = keyword_fields(SCHEMA)


def filled_in(**values: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keyword arguments, and the errors, of a form that was filled in like this."""
    form = type("Filled", (forms.Form,), dict(FIELDS))(
        {f"kw-{name}": v for name, v in values.items()}
    )
    form.is_valid()
    return read_keywords(SCHEMA, form.cleaned_data), form.errors


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("size", forms.IntegerField),
        ("scale", forms.FloatField),
        ("title", forms.CharField),
        ("fast", forms.BooleanField),
        ("mode", forms.TypedChoiceField),
        ("limit", forms.IntegerField),
        ("tags", forms.JSONField),
        ("other", forms.JSONField),
        ("untyped", forms.IntegerField),
    ],
)
def test_each_type_has_its_field(name, kind):
    assert type(FIELDS[f"kw-{name}"]) is kind


def test_only_what_has_no_default_must_be_filled_in():
    required = [name for name, field in FIELDS.items() if field.required]

    assert required == ["kw-size"]
    assert FIELDS["kw-title"].initial == "bee"


def test_values_have_their_types():
    given, errors = filled_in(
        size="3", scale="0.5", fast="on", mode='"final"', limit="9", tags='["a"]', title=" x "
    )

    assert not errors
    assert given == {
        "size": 3,
        "scale": 0.5,
        "fast": True,
        "mode": "final",
        "limit": 9,
        "tags": ["a"],
        "title": " x ",
    }


def test_what_is_left_empty_takes_the_default_of_the_task():
    given, _ = filled_in(size="3")

    assert given == {"size": 3, "fast": False}


def test_what_makes_no_sense_is_said_at_its_field():
    _, errors = filled_in(size="many", scale="x", tags="[")

    assert list(errors) == ["kw-size", "kw-scale", "kw-tags"]


def test_a_task_that_takes_any_keywords_has_a_field_for_them():
    schema = {"properties": {}, "additionalProperties": True}

    assert list(keyword_fields(schema)) == ["more"]
    assert read_keywords(schema, {"more": {"a": 1}}) == {"a": 1}
    with pytest.raises(ValueError, match="give a JSON object"):
        read_keywords(schema, {"more": [1]})


def test_a_task_of_which_nothing_is_known_takes_an_object():
    assert list(keyword_fields({})) == ["more"]


def test_what_may_be_null_and_has_no_default_is_null_when_it_is_left_empty():
    schema = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    whole = {"properties": {"x": schema}, "required": ["x"]}

    assert not make_field(schema, label="x", required=True).required
    assert read_keywords(whole, {"kw-x": None}) == {"x": None}
