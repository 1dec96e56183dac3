"""Fetch and summarise 20 articles in parallel; a reading list of them as Markdown."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the project

from examples.connection import follow, run
from hive_site.demo.articles import ArticleServer, find_articles
from jobs.client import Hive

ARTICLES = 20


def main(hive: Hive, options: argparse.Namespace) -> int:
    """The built-in task reads and summarises; the reduction is this example's own."""
    with pages(options.urls) as urls:
        wish = {"kwargs": {"sentences": options.sentences}, "reduce": "articles.reading_list"}
        job = hive.submit("articles.summarise", urls, **wish)
        rows = follow(hive, job, items=len(urls), seconds=options.timeout)
        job.wait(options.timeout)
    for row in rows:
        if row["error"]:
            print(f"  {urls[row['index']]}: {row['error']['message']}")
    if job["result"]:
        options.out.write_text(job["result"])
        print(
            f"{sum(row['error'] is None for row in rows)} of {len(urls)} articles in {options.out}"
        )
    return 0 if job["state"] == "succeeded" else 1


@contextlib.contextmanager
def pages(urls: Path | None) -> Iterator[list[str]]:
    """The addresses in a file, or of articles that this program serves on this machine."""
    if urls:
        yield [line.strip() for line in urls.read_text().splitlines() if line.strip()]
        return
    with ArticleServer(find_articles(ARTICLES), delay_seconds=0.2) as server:
        yield server.urls


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--urls", type=Path, metavar="FILE", help="addresses, one a line")
    parser.add_argument("--sentences", type=int, default=2, metavar="N", help="of each (2)")
    parser.add_argument("--out", type=Path, default=Path("reading-list.md"), metavar="FILE")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS")
    run(parser, main)
