"""What is made of the summaries of articles."""

from typing import Any

from jobs import task

WORDS_A_MINUTE = 230


@task("articles.reading_list")
def reading_list(ctx: Any, results: list[dict[str, Any]], **_: Any) -> str:
    """Summaries as Markdown, the shortest read first."""
    lines = [f"# Reading list: {len(results)} articles", ""]
    for row in sorted(results, key=lambda row: row["words"]):
        minutes = max(1, round(row["words"] / WORDS_A_MINUTE))
        lines += [
            f"## [{row['title']}]({row['url']})",
            "",
            f"*{minutes} min.* {row['summary']}",
            "",
        ]
    return "\n".join(lines)
