"""Pages that submit a job: choose a task, fill in what it takes, look, submit."""

import hashlib
import json
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from hive_site.kernel.errors import Invalid
from jobs import services
from jobs.models import Job
from jobs.resubmission import submission_of
from jobs.services import Idempotency
from jobs.shelves import task_views
from jobs.submit_form import SubmitForm, filled_in
from nodes import audit
from nodes.roles import may
from nodes.verbs import tell

#: So many tasks are listed; what is typed above them narrows them down.
SHOWN = 200


class SubmitPages:
    """For the admin of jobs: adding one is submitting it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may submit."""
        return bool(request.user.has_perm("jobs.add_job"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The tasks, or the form of one."""
        if not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)  # type: ignore[misc,no-any-return]
        tasks = {view["name"]: view for view in task_views()}
        task = tasks.get(request.GET.get("task", ""))
        if task is None:
            return self._choose(request, list(tasks.values()))
        given = request.POST if request.method == "POST" else None
        terms = {"task": task, "may_pickle": may(request.user, "pickle")}
        initial = {**_like(request, task), "once": uuid4().hex}
        form = SubmitForm(given, initial=initial, **terms)
        if given is not None and form.is_valid() and given.get("confirmed") == "yes":
            try:
                return self._submit(request, form)
            except Invalid as fact:  # its parents went, or its queue, since it was checked
                form.add_error(None, str(fact))
        return self._page(request, "jobs/admin_submit.html", f"Submit {task['name']}", form=form)

    def _choose(self, request: HttpRequest, tasks: list[dict[str, Any]]) -> HttpResponse:
        words = request.GET.get("q", "").lower().split()
        found = [
            task
            for task in tasks
            if all(word in f"{task['name']} {task['summary']}".lower() for word in words)
        ]
        context = {"tasks": found[:SHOWN], "left": len(found) - SHOWN, "words": " ".join(words)}
        return self._page(request, "jobs/admin_tasks.html", "Submit a job", **context)

    def _submit(self, request: HttpRequest, form: SubmitForm) -> HttpResponse:
        """A second click on the same form finds the job that the first one made."""
        who = request.user.get_username()
        text = json.dumps(form.wish, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        key = Idempotency(f"{form.cleaned_data['once']}:{digest}", f"admin:{who}", digest)
        caller: dict[str, Any] = {"submitted_by": who, "may_pickle": form.may_pickle}
        job, replayed = services.submit_once(key, **caller, **form.wish)
        said = f"submitted: {tell(job.total, 'subtask')} of {job.task}"
        if not replayed:
            audit.record(request.user, job, said, flag=ADDITION)
        messages.success(request, f"{job.pk} is {said}.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def _page(
        self, request: HttpRequest, template: str, title: str, **context: Any
    ) -> HttpResponse:
        frame = self.admin_site.each_context(request)  # type: ignore[attr-defined]
        whole = {**frame, "opts": Job._meta, "title": title, **context}
        return TemplateResponse(request, template, whole)


def _like(request: HttpRequest, task: dict[str, Any]) -> dict[str, Any]:
    """What the job that the address names was submitted with, if it can be told."""
    job = Job.objects.filter(pk=request.GET.get("like", ""), task=task["name"]).first()
    again = submission_of(job) if job else None
    takes = task["schema"].get("kwargs", {})
    return filled_in(again.wish, again.items, takes) if again else {}
