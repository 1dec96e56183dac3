"""The operator's view of jobs and what became of them."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from hive_site.kernel.errors import NotFound
from jobs import admin_order, admin_tasks, admin_webhooks, services
from jobs.admin_submit import SubmitPages
from jobs.domain.states import JOB_TERMINAL
from jobs.models import Attempt, Edge, IdempotencyKey, Job, Queue, Subtask
from jobs.reasons import why_job_waits, why_subtask
from jobs.verbs import JOB_VERBS, QUEUE_VERBS, SUBTASK_VERBS
from nodes.admin_actions import VerbActions
from nodes.admin_pages import STATE, LargeTableAdmin, ReadOnlyAdmin, show_state, state_column
from nodes.picture import glimpse

#: They register themselves; Django looks only here.
__all__ = ["admin_order", "admin_tasks", "admin_webhooks"]


TIMES = ("created_at", "not_before", "ready_at", "started_at", "finished_at", "deadline")
TERMS = ("timeout", "retries", "backoff", "on_error", "idempotent", "at_most_once", "reduction")
COUNTERS = ("total", "running", "succeeded", "failed", "cancelled", "rounds")


class QueueFilter(admin.SimpleListFilter):
    """By queue: the settings name them, so that nobody reads the table to find them."""

    title, parameter_name = "queue", "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The queues."""
        return [(name, name) for name in settings.HIVE.queues]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        """Jobs of that queue."""
        return queryset.filter(queue=self.value()) if self.value() else queryset


class PriorityFilter(admin.SimpleListFilter):
    """By priority."""

    title, parameter_name = "priority", "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What there may be."""
        return [(str(level), str(level)) for level in range(10, -1, -1)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        """Jobs of that priority."""
        known = self.value() in dict(self.lookup_choices)
        return queryset.filter(priority=self.value()) if known else queryset


@admin.register(Job)
class JobAdmin(SubmitPages, VerbActions, LargeTableAdmin):
    """Jobs, the newest first."""

    list_display = ("id", "task", STATE, "progress", "queue", "priority", "created_at", "by")
    list_filter = ("state", QueueFilter, PriorityFilter)
    search_fields = ("id__startswith", "task__startswith")
    search_help_text = "the beginning of an id or of a task's name"
    ordering = ("-id",)
    verbs = JOB_VERBS
    adding = "Submit a job"
    fieldsets = (
        (None, {"fields": ("task", STATE, "progress", "subtask_links", "waiting_for", "error")}),
        ("Where and when", {"fields": ("queue", "priority", "submitted_by", *TIMES)}),
        ("What it runs", {"fields": ("kwargs", "reduce", "result", "labels", "codec", "kept")}),
        ("How it is run", {"fields": (*TERMS, "requires", "cache_for", "task_version", "webhook")}),
        ("What it belongs to", {"fields": ("depends_on", "workflow", "name", "spawned_by")}),
        ("Counters", {"fields": COUNTERS, "classes": ("collapse",)}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Everything: the Foreman owns it, and verbs change it."""
        return [name for _, options in self.fieldsets for name in options["fields"]]

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        """Only what has ended may be forgotten."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and obj is not None and obj.state in JOB_TERMINAL

    def save_model(self, request: HttpRequest, obj: Job, form: Any, change: bool) -> None:
        """Nothing can be changed here, and writing back what was read would undo the Foreman."""

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        """Through the service, which does not load a million rows."""
        services.delete_job(job_id=obj.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What the confirmation shows: counters, not every row."""
        rows = [f"{job} with {job.total} subtasks and their results" for job in objs]
        return rows, {"jobs": len(rows)}, set(), []

    @admin.display(description="done")
    def progress(self, job: Job) -> str:
        """Succeeded of all, and what failed."""
        failed = f", {job.failed} failed" if job.failed else ""
        return f"{job.succeeded} of {job.total}{failed}"

    @admin.display(description="by")
    def by(self, job: Job) -> str:
        """Who submitted it."""
        return job.submitted_by or "–"

    @admin.display(description="waiting for")
    def waiting_for(self, job: Job) -> str:
        """Why something of it waits."""
        return why_job_waits(job) or "–"

    @admin.display(description="subtasks")
    def subtask_links(self, job: Job) -> str:
        """The list of this job's subtasks."""
        url = reverse("admin:jobs_subtask_changelist")
        return format_html('<a href="{}?job__id__exact={}">{} subtasks</a>', url, job.pk, job.total)

    def view_on_site(self, job: Job) -> str:
        """Its live page."""
        return reverse("job", args=[job.pk])


class AttemptInline(admin.TabularInline):
    """The tries that were not a plain first success."""

    model = Attempt
    fields = readonly_fields = ("number", "node", "outcome", "started_at", "ended_at", "error")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Attempts happen."""
        return False


@admin.register(Subtask)
class SubtaskAdmin(VerbActions, ReadOnlyAdmin):
    """Items of jobs."""

    list_display = ("id", "job_id", "index", "role", STATE, "node", "attempts", "finished_at")
    list_filter = ("state",)
    search_fields = ("job__id__exact",)
    search_help_text = "the id of a job"
    ordering = ("-id",)
    inlines = (AttemptInline,)
    raw_id_fields = ("job",)
    verbs = SUBTASK_VERBS
    readonly_fields = ("why",)

    @admin.display(description="why")
    def why(self, subtask: Subtask) -> str:
        """Why it ran where it did, or why it waits."""
        return why_subtask(subtask.job, subtask) or "–"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The job's page links to its subtasks."""
        return lookup == "job__id__exact" or super().lookup_allowed(lookup, value, request)


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Tries that were not a plain first success."""

    list_display = ("id", "subtask_id", "number", "node", state_column("outcome"), "ended_at")
    list_filter = ("outcome",)
    search_fields = ("subtask__job__id__exact",)
    ordering = ("-id",)
    raw_id_fields = ("subtask",)


@admin.register(Queue)
class QueueAdmin(VerbActions, admin.ModelAdmin):
    """The queues of waiting work, to pause and to resume."""

    list_display = ("name", "condition", "depth")
    readonly_fields = ("name",)
    verbs = QUEUE_VERBS

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Those that nobody paused yet have no row; one cannot click on what is not there."""
        services.list_queues()
        return super().changelist_view(request, extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """The settings name the queues."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        """A queue without a row is open: deleting one would resume it unsaid."""
        return False

    @admin.display(description="state", ordering="paused")
    def condition(self, queue: Queue) -> str:
        """Open or paused."""
        return show_state("paused" if queue.paused else "open")

    @admin.display(description="waiting")
    def depth(self, queue: Queue) -> str:
        """How many subtasks wait in it, as the Foreman drew it last."""
        drawn = glimpse().facts.get("queues", {}).get(queue.name)
        return f"{drawn['depth']:,}" if drawn else "–"

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Through the service, which tells the Foreman."""
        verb = services.pause_queue if obj.paused else services.resume_queue
        try:
            verb(name=obj.name)
        except NotFound as fact:  # the settings named it once
            self.message_user(request, str(fact), level="WARNING")


@admin.register(Edge)
class EdgeAdmin(ReadOnlyAdmin):
    """Which job waits for which."""

    list_display = ("child_id", "parent_id", "name", "allow_failure", "feeds", "passed")
    list_display_links = None
    search_fields = ("child__id__exact", "parent__id__exact")
    search_help_text = "the id of a job"
    ordering = ("-id",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    """Requests that were answered."""

    list_display = ("key", "caller", "job_id", "created_at")
    search_fields = ("key__startswith",)
    ordering = ("-id",)
