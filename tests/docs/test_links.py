"""Every link of the documents leads somewhere, and the index leads to every document."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from hive_site.configuration import PROJECT
from tests.documents import documents, name_of, parse

INDEX = PROJECT / "docs" / "README.md"
#: Attributes of the HTML that documents hold.
ATTRIBUTE = re.compile(r'\b(?:src|srcset|href)="([^"]+)"')
ELSEWHERE = re.compile(r"[a-z]+:|#$")


def tokens(document):
    for token in parse(document):
        yield token
        yield from token.children or ()


def links(document):
    """What a document links to, without what lies on other sites."""
    for token in tokens(document):
        given = [token.attrs.get("href"), token.attrs.get("src")]
        if token.type in {"html_block", "html_inline"}:
            given = ATTRIBUTE.findall(token.content)
        yield from (unquote(str(link)) for link in given if link and not ELSEWHERE.match(link))


def anchors(document):
    """What can be linked to in a document, named as GitHub does."""
    seen = Counter()
    parsed = parse(document)
    for opening, inline in pairwise(parsed):
        if opening.type == "heading_open":
            words = "".join(child.content for child in inline.children)
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            yield f"{slug}-{seen[slug]}" if seen[slug] else slug
            seen[slug] += 1


def is_there(document, link):
    path, _, anchor = link.partition("#")
    target = (document.parent / path).resolve() if path else document
    return target.exists() and (not anchor or anchor in set(anchors(target)))


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_lead_somewhere(document):
    assert [link for link in links(document) if not is_there(document, link)] == []


def test_the_index_leads_to_every_document():
    linked = {(INDEX.parent / link.partition("#")[0]).resolve() for link in links(INDEX)}
    decisions = PROJECT / "docs" / "adr"
    ought = {path for path in documents() if path.is_relative_to(INDEX.parent)} - {INDEX}

    assert {name_of(p) for p in ought if p not in linked and p.parent != decisions} == set()


def test_code_names_only_documents_that_are_there():
    parts = ("hive_site", "jobs", "nodes", "ota", "templates", "deploy")
    files = [path for part in parts for path in (PROJECT / part).rglob("*.*")]
    texts = [path.read_text() for path in files if path.suffix in {".py", ".html", ".yml"}]

    named = {found for text in texts for found in re.findall(r"docs/[\w/.-]+\.md", text)}

    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


def test_an_anchor_is_named_as_on_github(tmp_path):
    page = tmp_path / "a.md"
    page.write_text("# The `hive` & co\n## Twice\n## Twice\n## hive submit\n")

    assert list(anchors(page)) == ["the-hive--co", "twice", "twice-1", "hive-submit"]
    assert is_there(page, "#twice-1")
    assert not is_there(page, "b.md")
    assert not is_there(page, "a.md#thrice")


def test_paths_are_found_in_html_too(tmp_path):
    page = tmp_path / "a.md"
    page.write_text('<picture>\n<img src="b.png">\n</picture>\n\n[c](c.md) [d](https://d.org)\n')

    assert list(links(page)) == ["b.png", "c.md"]
    assert not is_there(Path(page), "b.png")
