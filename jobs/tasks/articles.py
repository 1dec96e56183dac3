"""Articles of the web: fetched, summarised, and put together as a digest."""

import re
from typing import Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context
from jobs.tasks.items import string, whole

MAX_SENTENCES = 50
#: What Markdown would take for markup, were it left alone in a title.
MARKUP = re.compile(r"([\\`*_\[\]<>#])")


@task("articles.summarise", timeout=60)
def summarise(ctx: Context, item: str, *, sentences: int = 3) -> dict[str, Any]:
    """The title and the most telling sentences of the article at a URL."""
    from jobs.articles.extraction import read_article
    from jobs.articles.fetching import fetch
    from jobs.articles.textrank import summarise as pick

    count = whole(sentences, what="sentences", least=1, most=MAX_SENTENCES)
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
    """The summaries as one Markdown document, in their order."""
    if not isinstance(item, list) or not all(map(_is_summary, item)):
        raise Fail("give a list of summaries, as articles.summarise returns them")
    words = sum(row["words"] for row in item)
    articles = "1 article" if len(item) == 1 else f"{len(item)} articles"
    head = f"# Digest of {articles}\n\n{words:,} words, read for you.\n"
    return "\n".join([head, *map(_entry, item)])


def _is_summary(row: Any) -> bool:
    texts = ("url", "title", "summary")
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name), str) for name in texts)
        and isinstance(row.get("words"), int)
    )


def _entry(row: dict[str, Any]) -> str:
    title = MARKUP.sub(r"\\\1", " ".join((row["title"] or row["url"]).split()))
    return f"## {title}\n\n{row['summary']}\n\n<{row['url']}> · {row['words']:,} words\n"
