"""What a list of jobs is narrowed to: read from the address, and written back into links."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import QueryDict

from jobs.domain.states import JobState
from jobs.models import Job
from jobs.requirements import LABEL_KEY, MAX_LABELS
from jobs.selectors import with_label

LABEL = "label."
#: The tabs above the list, each with the states that it means.
TABS = {
    "all": "",
    "open": "blocked,queued,running,paused,cancelling",
    "running": "running",
    "failed": "failed,partial",
    "succeeded": "succeeded",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What to show. `before`: the id of the job above the page; `wrong`: what made no sense."""

    state: str = ""
    queue: str = ""
    task: str = ""
    who: str = ""
    q: str = ""
    before: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""

    def rows(self) -> QuerySet[Job]:
        """The jobs, the newest first."""
        rows = Job.objects.order_by("-pk")
        named = {"queue": self.queue, "task": self.task, "submitted_by": self.who}
        rows = rows.filter(**{name: value for name, value in named.items() if value})
        if self.state:
            rows = rows.filter(state__in=self.state.split(","))
        if self.q:
            rows = rows.filter(Q(pk__startswith=self.q) | Q(task__icontains=self.q))
        for label, text in self.labels.items():
            rows = with_label(rows, label, text)
        return rows.filter(pk__lt=self.before) if self.before else rows

    def link(self, **change: object) -> str:
        """The address of the list with something else asked for; on its first page."""
        other = replace(self, **{"before": "", **change})  # type: ignore[arg-type]
        names = [one.name for one in fields(other) if one.name not in ("labels", "wrong")]
        query = [(name, getattr(other, name)) for name in names]
        query += [(f"{LABEL}{name}", text) for name, text in other.labels.items()]
        return "?" + urlencode([(name, text) for name, text in query if text])

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Everything but the state that is asked for, in words, with the link that drops it."""
        found = [
            (f"{name} {getattr(self, name)}", self.link(**{name: ""}))
            for name in ("queue", "task", "who", "q")
            if getattr(self, name)
        ]
        for label, text in self.labels.items():
            rest = {name: value for name, value in self.labels.items() if name != label}
            found.append((f"{label}={text}", self.link(labels=rest)))
        return found

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Name, link, and whether it is the one shown."""
        return [
            (name, self.link(state=states), states == self.state) for name, states in TABS.items()
        ]


def read_filter(query: QueryDict) -> JobFilter:
    """What the address asks for; unknown states are left out, and named in `wrong`."""
    plain = {name: query.get(name, "").strip() for name in ("queue", "task", "who", "q", "before")}
    states = [state for state in query.get("state", "").split(",") if state]
    unknown = [state for state in states if state not in list(JobState)]
    known = ",".join(state for state in states if state not in unknown)
    named = [name for name in query if _is_label(name)]
    # No job has more; each is a condition, and a link that names all others.
    labels = {name.removeprefix(LABEL): query[name] for name in named[:MAX_LABELS]}
    # The form has one field for a label, and sends NAME=VALUE.
    name, equals, text = query.get("label", "").strip().partition("=")
    if equals and LABEL_KEY.fullmatch(name):
        labels[name] = text
    wrong = f"No state is called {', '.join(unknown)}." if unknown else ""
    return JobFilter(state=known, labels=labels, wrong=wrong, **plain)


def _is_label(name: str) -> bool:
    return name.startswith(LABEL) and bool(LABEL_KEY.fullmatch(name.removeprefix(LABEL)))
