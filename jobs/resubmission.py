"""What would submit the same job again, for people to copy: no keys in it, and no megabytes."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from jobs.domain.references import is_reference
from jobs.domain.states import Kept, OnError
from jobs.models import Job
from jobs.selectors import map_rows
from jobs.task_options import PICKLE

#: Longer lists of items are named and not copied.
MOST_ITEMS, MOST_CHARS = 100, 16_000
FILE = "items.json"


@dataclass(frozen=True, slots=True)
class Again:
    """The job's wish without its items, and the items as JSON text; None if they are too long.

    `note` says what is missing, in words.
    """

    wish: dict[str, Any]
    items: str | None
    note: str = ""


def submission_of(job: Job) -> Again | None:
    """The wish that made the job; None if that is no JSON, or was deleted."""
    if job.codec == PICKLE or job.kept != Kept.ALL or is_reference(job.kwargs):
        return None
    texts = list(map_rows(job.pk).values_list("item", flat=True)[: MOST_ITEMS + 1])
    long = len(texts) > MOST_ITEMS or sum(map(len, texts)) > MOST_CHARS
    if long or any(map(is_reference, texts)):
        note = f"{FILE} is to hold the {job.total:,} items as a JSON list; they are not copied here"
        return Again(_wish(job), None, note)
    return Again(_wish(job), f"[{', '.join(texts)}]")


def _wish(job: Job) -> dict[str, Any]:
    wish = {
        "task": job.task,
        "kwargs": json.loads(job.kwargs),
        "reduce": job.reduce or None,
        "queue": job.queue,
        "priority": job.priority,
        "timeout": job.timeout,
        "retries": job.retries,
        "requires": {name: value for name, value in job.requires.items() if value},
        "on_error": job.on_error if job.on_error != OnError.COLLECT else None,
        "cache_for": job.cache_for or None,
        "labels": job.labels,
        # An address may carry a secret behind its question mark, or before its @.
        "webhook": job.webhook if not set("?@") & set(job.webhook) else None,
    }
    return {name: value for name, value in wish.items() if value not in (None, {}, "")}


def as_curl(again: Again, nexus: str) -> str:
    """A command line for a shell that knows `$HIVE_KEY`."""
    post = (
        f'curl -s -H "Authorization: Bearer $HIVE_KEY" -H "Content-Type: application/json" \\\n'
        f"  {shlex.quote(f'{nexus}/api/v1/jobs/')} --data-binary @-"
    )
    head = json.dumps(again.wish, ensure_ascii=False)[:-1] + ', "items": '
    if again.items is None:
        parts = f"printf %s {shlex.quote(head)}; cat {FILE}; printf '}}'"
        return f"# {again.note}\n{{ {parts}; }} | {post}"
    return f"printf %s {shlex.quote(head + again.items + '}')} | \\\n{post}"


def as_python(again: Again, nexus: str) -> str:
    """A program for who has `jobs/client.py`."""
    lines = ["import json", "import os", "", "from jobs.client import Hive", ""]
    if again.items is None:
        lines += [f"# {again.note}", f"with open({FILE!r}) as file:", "    items = json.load(file)"]
    else:
        lines.append(f"items = {json.loads(again.items)!r}")
    options = [f"    {name}={value!r}," for name, value in again.wish.items() if name != "task"]
    lines += [
        f"hive = Hive({nexus!r}, os.environ['HIVE_KEY'])",
        f"job = hive.submit(\n    {again.wish['task']!r},\n    items,",
        *options,
        ")",
        "print(job.id)",
    ]
    if again.items is not None:
        lines.remove("import json")
    return "\n".join(lines)
