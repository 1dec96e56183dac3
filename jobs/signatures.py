"""What a task takes, as JSON Schema, as far as the annotations of its function tell."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
LISTS, OBJECTS = (list, Sequence), (dict, Mapping)
Schema = dict[str, Any]


def describe(run: Callable[..., Any]) -> Schema:
    """`item` and `kwargs` as JSON Schema; without what cannot be told."""
    try:
        signature = inspect.signature(run, eval_str=True)
    except (TypeError, ValueError, NameError, AttributeError, SyntaxError):
        return {}
    given = list(signature.parameters.values())
    told = {"kwargs": _keywords(given[2:])}
    item = _schema(given[1].annotation) if len(given) > 1 else None
    return told if item is None else {"item": item, **told}


def _keywords(given: list[inspect.Parameter]) -> Schema:
    """An object of keyword arguments; one whose type is not known may be anything."""
    named = [p for p in given if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return {
        "type": "object",
        "properties": {p.name: _with_default(p) for p in named},
        "required": [p.name for p in named if p.default is p.empty],
        "additionalProperties": any(p.kind is p.VAR_KEYWORD for p in given),
    }


def _with_default(parameter: inspect.Parameter) -> Schema:
    schema = _schema(parameter.annotation) or {}
    if type(parameter.default) in PLAIN:
        return {**schema, "default": parameter.default}
    return schema


def _schema(hint: Any) -> Schema | None:
    """The schema of a type; empty for anything, None for what JSON does not know."""
    if hint is Any:
        return {}
    if hint in PLAIN:
        return {"type": PLAIN[hint]}
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, UnionType):
        either = [_schema(one) for one in inner]
        return None if None in either else {"anyOf": either}
    if origin in LISTS:
        return _of("array", "items", inner[:1])
    if origin in OBJECTS and inner[:1] in ((), (str,)):
        return _of("object", "additionalProperties", inner[1:])
    return None


def _of(kind: str, name: str, inner: tuple[Any, ...]) -> Schema | None:
    """An array or object, whose contents are of the type that `inner` holds, if it holds one."""
    within = _schema(inner[0]) if inner else {}
    if within is None:
        return None
    return {"type": kind, name: within} if within else {"type": kind}
