"""Fields of a form, made from the JSON Schema of what a task takes (jobs/signatures.py)."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from jobs.signatures import PLAIN, Schema

#: Before the names of keyword arguments, so that none is taken for a field of the job.
KEYWORD = "kw-"
NULL = {"type": "null"}
WIDE = {"class": "vLargeTextField"}


def keyword_fields(schema: Schema) -> dict[str, forms.Field]:
    """A field for each keyword argument by its name, and one for all others if there may be any."""
    required = schema.get("required", [])
    fields = {
        f"{KEYWORD}{name}": make_field(told, label=name, required=name in required)
        for name, told in schema.get("properties", {}).items()
    }
    if not schema or schema.get("additionalProperties"):
        title = "more keyword arguments" if fields else "keyword arguments"
        fields["more"] = _json(label=title, help_text="a JSON object")
    return fields


def make_field(schema: Schema, *, label: str, required: bool) -> forms.Field:
    """The field for a value of that schema; for what has no field of its own, one for JSON."""
    told, nullable = _without_null(schema)
    terms: dict[str, Any] = {"label": label, "required": required and not nullable}
    if "default" in told:
        terms["initial"] = told["default"]
    if "enum" in told:
        return _choice(told["enum"], terms)
    match told.get("type") or PLAIN.get(type(told.get("default"))):
        case "boolean" if nullable:
            return forms.NullBooleanField(**{**terms, "required": False})
        case "boolean":
            return forms.BooleanField(**{**terms, "required": False})
        case "integer":
            return forms.IntegerField(**terms)
        case "number":
            return forms.FloatField(**terms)
        case "string":
            area = forms.Textarea(attrs={"rows": 2, **WIDE})
            return forms.CharField(**terms, strip=False, widget=area)
    return _json(**terms, help_text=f"JSON{_told(told)}")


def read_keywords(schema: Schema, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that were filled in; what was left empty takes the task's default, or
    is null if there is none.

    Raises `ValueError` if what else there is is no object.
    """
    more = cleaned.get("more") or {}
    if not isinstance(more, dict):
        raise ValueError("give a JSON object")
    required = schema.get("required", [])
    given = {name: cleaned.get(f"{KEYWORD}{name}") for name in schema.get("properties", {})}
    filled = {n: value for n, value in given.items() if n in required or value not in (None, "")}
    return {**filled, **more}


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema of the value that is there, and whether null will do as well."""
    either = schema.get("anyOf", [])
    others = [one for one in either if one != NULL]
    if len(others) == 1 and len(either) == 2:
        default = {"default": schema["default"]} if "default" in schema else {}
        return {**others[0], **default}, True
    return schema, NULL in either


def _choice(values: list[Any], terms: dict[str, Any]) -> forms.Field:
    choices = [(json.dumps(value), str(value)) for value in values]
    if not terms["required"]:
        choices.insert(0, ("", "–"))
    if "initial" in terms:
        terms["initial"] = json.dumps(terms["initial"])
    return forms.TypedChoiceField(**terms, choices=choices, coerce=json.loads, empty_value=None)


def _json(**terms: Any) -> forms.Field:
    terms = {"required": False, **terms}
    return forms.JSONField(**terms, widget=forms.Textarea(attrs={"rows": 2, **WIDE}))


def _told(schema: Schema) -> str:
    """What kind of JSON, for people."""
    kind = {"array": "a list", "object": "an object"}.get(schema.get("type", ""))
    return f": {kind}" if kind else ""
