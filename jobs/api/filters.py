"""`?state=&task=&queue=&workflow=&label.k=v&q=` as conditions on jobs."""

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from hive_site.kernel.errors import Invalid
from jobs.domain.states import JobState, SubtaskState
from jobs.models import Job, Subtask
from jobs.requirements import LABEL_KEY, MAX_LABELS
from jobs.selectors import with_label


def filter_jobs(rows: QuerySet[Job], request: Request) -> QuerySet[Job]:
    """The jobs that the query asks for. Raises `Invalid` for a state that does not exist."""
    query = request.query_params
    if state := query.get("state"):
        rows = rows.filter(state__in=_states(state, JobState))
    for name in ("task", "queue", "workflow"):
        if value := query.get(name):
            rows = rows.filter(**{name: value})
    labels = [name for name in query if name.startswith("label.")]
    if len(labels) > MAX_LABELS:
        raise Invalid(f"a job has at most {MAX_LABELS} labels", field=labels[MAX_LABELS])
    for name in labels:
        rows = with_label(rows, _label(name), query[name])
    if text := query.get("q"):
        rows = rows.filter(Q(pk__startswith=text) | Q(task__icontains=text))
    return rows


def filter_subtasks(rows: QuerySet[Subtask], request: Request) -> QuerySet[Subtask]:
    """The subtasks in the states that the query asks for."""
    state = request.query_params.get("state")
    return rows.filter(state__in=_states(state, SubtaskState)) if state else rows


def _label(name: str) -> str:
    label = name.removeprefix("label.")
    if not LABEL_KEY.fullmatch(label):
        raise Invalid(f"{label!r} is no label to search for", field=name)
    return label


def _states(text: str, words: type[JobState] | type[SubtaskState]) -> list[str]:
    states = text.split(",")
    unknown = [state for state in states if state not in list(words)]
    if unknown:
        rule = f"give some of {', '.join(words)}"
        raise Invalid(f"{', '.join(unknown)}: no state; {rule}", field="state")
    return states
