"""The operator's view of what orders the work: schedules, and limits of tasks."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from hive_site.kernel.errors import Invalid, NotFound
from jobs import services
from jobs.models import Schedule, TaskLimit
from jobs.services.scheduling import apply_fields
from jobs.verbs import SCHEDULE_VERBS
from nodes.admin_actions import VerbActions


class ScheduleForm(forms.ModelForm):
    """Checked by the rules of the API."""

    class Meta:
        model = Schedule
        fields = ("name", "cron", "timezone", "job", "enabled", "missed", "overlap")
        widgets = {"job": forms.Textarea(attrs={"rows": 12, "class": "vLargeTextField"})}

    def clean(self) -> dict[str, Any]:
        """The form's values. Raises `ValidationError` at the field that is wrong."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            apply_fields(Schedule(), self.wish(cleaned), now=timezone.now())
        except Invalid as error:
            name, _, inside = error.field.partition(".")
            said = f"{inside}: {error}" if inside else str(error)
            raise ValidationError({name: said} if name in self.fields else said) from error
        return cleaned

    def wish(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """What the API would be given. Raises `Invalid` for what is no JSON."""
        try:
            job = json.loads(cleaned["job"])
        except (ValueError, RecursionError) as error:
            raise Invalid(f"this is no JSON: {error}", field="job") from error
        name = cleaned.get("name") or self.instance.name
        return {**cleaned, "name": name, "job": job}


@admin.register(Schedule)
class ScheduleAdmin(VerbActions, admin.ModelAdmin):
    """Jobs that come by the clock."""

    form = ScheduleForm
    list_display = ("name", "cron", "timezone", "enabled", "next_run_at", "last_run", "note")
    list_filter = ("enabled",)
    search_fields = ("name",)
    readonly_fields = ("next_run_at", "last_run_at", "last_run", "note", "submitted_by")
    verbs = SCHEDULE_VERBS
    verb_key = "name"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A schedule keeps its name."""
        fixed = tuple(str(name) for name in self.readonly_fields)
        return ("name", *fixed) if obj else fixed

    @admin.display(description="last job")
    def last_run(self, schedule: Schedule) -> str:
        """A link to the last job."""
        if not schedule.last_job:
            return "–"
        url = reverse("admin:jobs_job_change", args=[schedule.last_job])
        return format_html('<a href="{}">{}</a>', url, schedule.last_job)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Through the services, which work out the next run and tell the Foreman."""
        wish = form.wish(form.cleaned_data)
        if change:
            changed = {name: wish[name] for name in form.changed_data}
            services.change_schedule(name=obj.name, fields=changed)
        else:
            made = services.create_schedule(wish, submitted_by=request.user.get_username())
            obj.pk = made.pk


class TaskLimitForm(forms.ModelForm):
    """Only of tasks that there are."""

    class Meta:
        model = TaskLimit
        fields = ("task", "rate", "concurrency")

    def clean_task(self) -> str:
        """The task's name. Raises `ValidationError` if there is none of that name."""
        try:
            return services.require_task(self.cleaned_data["task"]).name
        except NotFound as fact:
            raise ValidationError(str(fact)) from fact


@admin.register(TaskLimit)
class TaskLimitAdmin(admin.ModelAdmin):
    """Limits of tasks, instead of those in their code."""

    form = TaskLimitForm
    list_display = ("task", "rate", "concurrency")
    search_fields = ("task",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Another task is another row."""
        return ("task",) if obj else ()

    def save_model(self, request: HttpRequest, obj: TaskLimit, form: Any, change: bool) -> None:
        """Through the service, which tells the Foreman."""
        services.set_limits(task=obj.task, rate=obj.rate, concurrency=obj.concurrency)

    def delete_model(self, request: HttpRequest, obj: TaskLimit) -> None:
        """Back to what the task's code says."""
        services.drop_limits(task=obj.task)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TaskLimit]) -> None:
        """Of several."""
        for row in queryset:
            services.drop_limits(task=row.task)
