"""What every operation of the OpenAPI document has in common, said once.

Schemas that have a title become components, and each operation gets the errors that it can end
in (CONTRACT §6) as `application/problem+json`.
"""

from collections.abc import Iterator
from typing import Any

from nodes.api.problems import MEDIA_TYPE, TITLES
from nodes.api.shapes import PROBLEM, Schema

ALWAYS = (401, 403, 406, 429, 503)
METHODS = ("get", "post", "put", "patch", "delete")
CREATED = {
    "Location": "where it is",
    "Idempotency-Replayed": "true, if this key had the same answer before",
}
HEADERS = {
    401: {"WWW-Authenticate": "what to show"},
    429: {"Retry-After": "seconds until it may be asked again"},
    503: {"Retry-After": "seconds until it may be back"},
}


def complete(result: Schema, generator: Any, request: Any, public: bool) -> Schema:
    """A hook of drf-spectacular: the document with its errors and components."""
    for method, operation in operations(result):
        responses = operation["responses"]
        for status in errors_of(method, operation):
            responses.setdefault(str(status), problem_response(status))
        if "422" in responses:
            made = "201" if "201" in responses else "202"
            responses[made]["headers"] = headers_of(CREATED)
        for status, response in responses.items():
            response["description"] = response.get("description") or TITLES.get(int(status), "Done")
        operation["responses"] = dict(sorted(responses.items()))
    components: dict[str, Schema] = {}
    result["paths"] = hoist(result["paths"], components)
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(sorted(components.items()))
    return result


def operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Every operation of a document, with its method."""
    for path in document["paths"].values():
        yield from ((method, path[method]) for method in METHODS if method in path)


def errors_of(method: str, operation: Schema) -> Iterator[int]:
    """The statuses of errors in which an operation can end."""
    given = operation.get("parameters", [])
    places = {parameter["in"] for parameter in given}
    changes = method != "get"
    yield from ALWAYS
    if given or "requestBody" in operation:
        yield 400
    if "path" in places:
        yield 404
    if changes:
        # A body may be sent to whom needs none, and may be too large there as well.
        yield from (400, 413, 415)
    if changes and "path" in places:
        yield 409
    if any(parameter["name"] == "Idempotency-Key" for parameter in given):
        yield 422


def problem_response(status: int) -> Schema:
    """One error as RFC 9457 has it."""
    response: Schema = {
        "description": TITLES[status],
        "content": {MEDIA_TYPE: {"schema": PROBLEM}},
    }
    headers = headers_of(HEADERS.get(status, {}))
    return {**response, "headers": headers} if headers else response


def headers_of(texts: dict[str, str]) -> Schema:
    """Headers that a response may have, by name, with what they say."""
    return {
        name: {"schema": {"type": "string"}, "description": text} for name, text in texts.items()
    }


def hoist(node: Any, components: dict[str, Schema]) -> Any:
    """The same with a reference in place of every schema that has a title."""
    if isinstance(node, list):
        return [hoist(each, components) for each in node]
    if not isinstance(node, dict):
        return node
    inner = {name: hoist(each, components) for name, each in node.items()}
    title = node.get("title")
    if not isinstance(title, str):
        return inner
    if components.setdefault(title, inner) != inner:
        raise ValueError(f"two schemas are called {title}")
    return {"$ref": f"#/components/schemas/{title}"}
