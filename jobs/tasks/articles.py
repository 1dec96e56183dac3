"""Articles of the web: fetched, summarised, and put together as a digest."""

from typing import Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context
from jobs.tasks.items import string, whole

MAX_SENTENCES = 50


@task("articles.summarise", timeout=60)
def summarise(ctx: Context, item: str, *, sentences: int = 3) -> dict[str, Any]:
    """The title and the most telling sentences of the article at a URL."""
    from jobs.articles.extraction import read_article
    from jobs.articles.fetching import fetch
    from jobs.articles.textrank import summarise as pick

    count = whole(sentences, what="sentences", most=MAX_SENTENCES)
    page = fetch(string(item, what="the URL"))
    article = read_article(page)
    return {
        "url": item,
        "title": article.title,
        "summary": pick(article.text, sentences=count),
        "words": len(article.text.split()),
    }


@task("articles.digest")
def digest(ctx: Context, item: list[dict[str, Any]]) -> str:
    """The summaries as one Markdown document."""
    if not isinstance(item, list) or not all(isinstance(row, dict) for row in item):
        raise Fail("give a list of summaries, as articles.summarise returns them")
    words = sum(int(row.get("words", 0)) for row in item)
    lines = [f"# Digest of {len(item)} articles", "", f"{words:,} words, read for you.", ""]
    for row in item:
        lines += [f"## {row.get('title') or row.get('url')}", "", str(row.get("summary", "")), ""]
        lines += [f"<{row.get('url')}> · {row.get('words', 0):,} words", ""]
    return "\n".join(lines)
