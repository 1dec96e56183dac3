"""Count the words of text files on all Spores, and show the most frequent ones."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the project

from examples.connection import follow, run
from jobs.client import Hive


def main(hive: Hive, options: argparse.Namespace) -> int:
    """One subtask a file; the texts travel, so Spores need not see the files."""
    texts = [
        {"name": path.name, "text": path.read_text(errors="replace")} for path in options.files
    ]
    print(f"{len(texts)} files, {sum(len(one['text']) for one in texts):,} characters")
    wish = {"kwargs": {"least": options.least}, "reduce": "word_count.merge"}
    job = hive.submit("word_count.count", texts, **wish)
    follow(hive, job, items=len(texts), seconds=options.timeout)
    merged = job.outcome(timeout=options.timeout)
    print(f"{merged['words']:,} words, {len(merged['counts']):,} different ones")
    for word, times in list(merged["counts"].items())[: options.top]:
        print(f"{times:6}  {word}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--least", type=int, default=4, metavar="N", help="letters of a word (4)")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many to show (10)")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS")
    run(parser, main)
