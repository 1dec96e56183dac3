"""What the API answers, cut to what an agent can read at once."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from hive_site.mcp.shapes import Error, Result, Status, Summary

#: An answer has about so many characters of results.
PAGE_CHARS, RESULT_CHARS, TRACEBACK_CHARS = 40_000, 8_000, 1_500


def clip(value: Any, chars: int = RESULT_CHARS) -> tuple[Any, bool]:
    """The value, or the beginning of its JSON text and True if that is too long."""
    text = json.dumps(value, ensure_ascii=False)
    return (text[:chars], True) if len(text) > chars else (value, False)


def digest_error(error: Mapping[str, Any] | None) -> Error | None:
    """An error without the beginning of its traceback."""
    if not error:
        return None
    message, traceback = str(error.get("message", "")), str(error.get("traceback") or "")
    return Error(
        type=str(error.get("type", "")),
        message=message[:RESULT_CHARS],
        traceback=traceback[-TRACEBACK_CHARS:],
    )


def digest_result(row: Mapping[str, Any], *, index: int | None = None) -> Result:
    """One result, cut if it is long."""
    value, cut = clip(row["result"])
    return Result(
        index=row["index"] if index is None else index,
        state=row["state"],
        result=value,
        truncated=cut,
        error=digest_error(row["error"]),
        node=row.get("node"),
        attempts=row.get("attempts") or 0,
    )


def fit(rows: Iterable[Result], chars: int = PAGE_CHARS) -> list[Result]:
    """As many rows from the first on as an answer holds, one at least."""
    kept: list[Result] = []
    for row in rows:
        chars -= len(row.model_dump_json())
        if kept and chars < 0:
            break
        kept.append(row)
    return kept


def summarise(progresses: Iterable[Mapping[str, int]]) -> Summary:
    """The progress of one or more jobs as the figures of `map_reduce`."""
    rows = list(progresses)
    total = sum(row["total"] for row in rows)
    completed = sum(row["succeeded"] for row in rows)
    failed = sum(row["failed"] + row["cancelled"] for row in rows)
    return Summary(
        total=total,
        completed=completed,
        failed=failed,
        pending=total - completed - failed,
        success_rate=completed / total if total else 1.0,
    )


def digest_job(job: Mapping[str, Any]) -> Status:
    """A job as an agent sees it."""
    value, cut = clip(job["result"])
    several = job["progress"]["total"] > 1
    return Status(
        job_id=job["id"],
        task=job["task"],
        state=job["state"],
        summary=summarise([job["progress"]]),
        result=value,
        truncated=cut,
        error=digest_error(job["error"]),
        created_at=job["created_at"],
        finished_at=job["finished_at"],
        hint="job_results has the result of each item" if several else "",
    )
