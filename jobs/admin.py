"""The operator's view of jobs and what became of them."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from hive_site.kernel.errors import Conflict, NotFound
from jobs import admin_order, admin_tasks, admin_webhooks, services
from jobs.domain.states import JOB_TERMINAL
from jobs.models import Attempt, Edge, IdempotencyKey, Job, Queue, Subtask
from jobs.reasons import why_job_waits, why_subtask
from nodes.admin_pages import LargeTableAdmin, ReadOnlyAdmin

#: They register themselves; Django looks only here.
__all__ = ["admin_order", "admin_tasks", "admin_webhooks"]


@admin.register(Job)
class JobAdmin(LargeTableAdmin):
    """Jobs, the newest first."""

    list_display = ("id", "task", "state", "progress", "queue", "priority", "created_at", "by")
    list_filter = ("state", "queue", "priority")
    search_fields = ("id__startswith", "task__startswith")
    search_help_text = "the beginning of an id or of a task's name"
    ordering = ("-id",)
    actions = ("cancel", "retry", "pause", "resume")
    readonly_fields = ("subtask_links", "waiting_for")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything: the Foreman owns it, and verbs change it."""
        return ["subtask_links", "waiting_for", *(field.name for field in Job._meta.fields)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Jobs are submitted, not typed in."""
        return False

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

    @admin.action(description="Cancel", permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Stop these jobs."""
        self._each(request, queryset, services.cancel_job, "being cancelled")

    @admin.action(description="Retry what did not succeed", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Run what did not succeed again."""
        self._each(request, queryset, services.retry_job, "queued again")

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Start nothing more of these."""
        self._each(request, queryset, services.pause_job, "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Go on with these."""
        self._each(request, queryset, services.resume_job, "resumed")

    def _each(
        self, request: HttpRequest, jobs: QuerySet[Job], verb: Callable[..., Job], done: str
    ) -> None:
        moved = 0
        for job in jobs:
            try:
                verb(job_id=job.pk)
                moved += 1
            except Conflict as fact:
                self.message_user(request, str(fact), level="WARNING")
        if moved:
            self.message_user(request, f"{moved} jobs are {done}.")


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
class SubtaskAdmin(ReadOnlyAdmin):
    """Items of jobs."""

    list_display = ("id", "job_id", "index", "role", "state", "node", "attempts", "finished_at")
    list_filter = ("state",)
    search_fields = ("job__id__exact",)
    search_help_text = "the id of a job"
    ordering = ("-id",)
    inlines = (AttemptInline,)
    raw_id_fields = ("job",)
    actions = ("release",)
    readonly_fields = ("why",)

    @admin.display(description="why")
    def why(self, subtask: Subtask) -> str:
        """Why it ran where it did, or why it waits."""
        return why_subtask(subtask.job, subtask) or "–"

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The job's page links to its subtasks."""
        return lookup == "job__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.action(description="Release from quarantine", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[Subtask]) -> None:
        """Try poison once more."""
        released = 0
        for subtask in queryset:
            try:
                services.release_subtask(job_id=subtask.job_id, index=subtask.index)
                released += 1
            except Conflict as fact:
                self.message_user(request, str(fact), level="WARNING")
        self.message_user(request, f"{released} subtasks were released and will be tried again.")

    def has_release_permission(self, request: HttpRequest) -> bool:
        """Whoever may change jobs: the row itself nobody changes by hand."""
        return request.user.has_perm("jobs.change_job")


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    """Tries that were not a plain first success."""

    list_display = ("id", "subtask_id", "number", "node", "outcome", "ended_at")
    list_filter = ("outcome",)
    search_fields = ("subtask__job__id__exact",)
    ordering = ("-id",)
    raw_id_fields = ("subtask",)


@admin.register(Queue)
class QueueAdmin(admin.ModelAdmin):
    """The queues of waiting work, to pause and to resume."""

    list_display = ("name", "paused")
    readonly_fields = ("name",)
    actions = ("pause", "resume")

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

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Through the service, which tells the Foreman."""
        self._each(request, [obj], services.pause_queue if obj.paused else services.resume_queue)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Start nothing more from these."""
        self._each(request, queryset, services.pause_queue)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Start work from these again."""
        self._each(request, queryset, services.resume_queue)

    def _each(
        self, request: HttpRequest, queues: Iterable[Queue], verb: Callable[..., None]
    ) -> None:
        for queue in queues:
            try:
                verb(name=queue.name)
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
