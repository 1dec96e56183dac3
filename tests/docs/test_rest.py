"""The reference of the API has every endpoint of the OpenAPI document."""

import json
import re

from docs.reference.endpoints import rows_of
from docs.reference.pages import OPENAPI, REST, draw_pages
from hive_site.commands.key import SCOPES
from tests.documents import documents, name_of

DOCUMENT = json.loads(OPENAPI.read_text())
ROWS = list(rows_of(DOCUMENT))
CALLS = {row.call for row in ROWS}
SHOWN = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (?:/api/v1/|…/)?([a-z][\w/{}-]*/)")


def template(path):
    """A path with a hole wherever one may be: `{name}`, `NAME`, `gpu-1`."""
    return re.sub(r"\{[^}]*\}|(?<=/)[A-Z_]+(?=/)|\b(?:gpu|spore)-\d\b", "{}", path)


def test_the_reference_of_endpoints_is_what_the_api_is():
    assert REST.read_text() == draw_pages()[REST], "`make reference` writes it anew"


def test_a_key_needs_a_scope_that_there_is():
    assert {row.scope for row in ROWS} <= {*SCOPES, "node"}


def test_every_endpoint_is_in_the_reference():
    shown = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`", REST.read_text()))

    assert CALLS - shown == set()


def test_endpoints_that_are_shown_anywhere_are_there():
    known = {template(call) for call in CALLS}
    names = re.compile(r"(?<=/)[\w.-]*(?:\d|-)[\w.-]*(?=/)")

    wrong = [
        f"{name_of(document)}: {method} {path}"
        for document in documents()
        for method, path in SHOWN.findall(document.read_text())
        if f"{method} {template(path)}" not in known
        and f"{method} {template(names.sub('{}', path))}" not in known
    ]

    assert wrong == []
