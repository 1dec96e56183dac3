"""The form that submits a job: its task's keyword arguments, its items, and how it is run."""

import json
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from hive_site.kernel.errors import Invalid
from jobs.domain.states import OnError
from jobs.task_forms import KEYWORD, WIDE, keyword_fields, read_keywords
from jobs.validation import Wish, check_wish

LINES, VALUES, LIST = "lines", "values", "list"
WAYS = [
    (LINES, "one text on each line"),
    (VALUES, "one JSON value on each line"),
    (LIST, "a JSON list"),
]
#: Fields of a job that go into the wish as they are.
PLAIN = ("queue", "priority", "on_error", "reduce", "timeout", "retries", "delay", "cache_for")
MORE = ("deadline", "requires", "labels", "webhook")


class SubmitForm(forms.Form):
    """One job of one task. After `is_valid`, `wish` is what to submit and `checked` what it is."""

    items = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, **WIDE}),
        help_text="a subtask for each; none: one subtask without an item",
    )
    items_as = forms.ChoiceField(choices=WAYS, label="Items are")
    queue = forms.ChoiceField(required=False)
    priority = forms.IntegerField(
        required=False, min_value=0, max_value=10, initial=5, help_text="10 goes first"
    )
    on_error = forms.ChoiceField(
        required=False,
        choices=[(str(word), str(word)) for word in OnError],
        help_text="what one failed subtask means for the job",
    )
    reduce = forms.CharField(required=False, help_text="the task that makes one of all results")
    timeout = forms.FloatField(required=False, help_text="seconds that one subtask may run")
    retries = forms.IntegerField(required=False, min_value=0)
    delay = forms.FloatField(required=False, min_value=0, help_text="seconds until it begins")
    deadline = forms.CharField(required=False, help_text="like 2030-01-31T12:00:00Z")
    cache_for = forms.FloatField(
        required=False, min_value=0, help_text="seconds that equal results may be used again"
    )
    requires = forms.JSONField(required=False, help_text='JSON: {"gpu": 1, "labels": {…}}')
    labels = forms.JSONField(required=False, help_text="JSON: an object of names and texts")
    webhook = forms.CharField(required=False, help_text="the address that is told of its end")
    once = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, task: dict[str, Any], may_pickle: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task, self.may_pickle = task["name"], may_pickle
        self.takes = task["schema"].get("kwargs", {})
        self.keywords = keyword_fields(self.takes)
        self.fields |= self.keywords
        self.fields["queue"].choices = [(name, name) for name in settings.HIVE.queues]
        self.fields["queue"].initial = settings.HIVE.background_queue
        text = task["schema"].get("item", {}).get("type") == "string"
        self.fields["items_as"].initial = LINES if text else VALUES
        for name in ("timeout", "retries"):
            if (default := task["options"].get(name)) is not None:
                self.fields[name].help_text += f" (its task says {default})"
        self.wish: dict[str, Any] = {}
        self.checked: Wish | None = None

    @property
    def shelves(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as the page shows them, by what they are about."""
        keywords = [self[name] for name in self.keywords]
        how = [self[name] for name in (*PLAIN, *MORE)]
        what = [("Keyword arguments", keywords)] if keywords else []
        return [*what, ("Items", [self["items"], self["items_as"]]), ("How it is run", how)]

    def clean(self) -> dict[str, Any]:
        """Everything that the API would check, said at the fields."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.wish = self._read(cleaned)
                now = timezone.now()
                self.checked = check_wish(self.wish, now=now, may_pickle=self.may_pickle)
            except Invalid as error:
                self._say(error)
        return cleaned

    def _read(self, given: dict[str, Any]) -> dict[str, Any]:
        """What the API would be given. Raises `Invalid`."""
        try:
            kwargs = read_keywords(self.takes, given)
        except ValueError as error:
            raise Invalid(str(error), field="more") from error
        wish = {name: given[name] for name in (*PLAIN, *MORE) if given[name] not in (None, "")}
        if given["items"].strip():
            wish["items"] = _read_items(given["items"], given["items_as"])
        return {"task": self.task, "kwargs": kwargs, **wish}

    def _say(self, error: Invalid) -> None:
        name, _, inside = (error.field or "").partition(".")
        said = f"{inside}: {error}" if inside else str(error)
        at = name if name in self.fields else f"{KEYWORD}{inside}"
        self.add_error(at if at in self.fields else None, said)


def filled_in(wish: dict[str, Any], items: str | None, takes: dict[str, Any]) -> dict[str, Any]:
    """The form's first values for a wish; `items` is a JSON list, or None if it is left out."""
    plain = {name: wish[name] for name in (*PLAIN, *MORE) if name in wish}
    own = takes.get("properties", {})
    keywords = wish.get("kwargs", {})
    named = {
        f"{KEYWORD}{name}": json.dumps(value) if "enum" in own[name] else value
        for name, value in keywords.items()
        if name in own
    }
    more = {name: value for name, value in keywords.items() if name not in own}
    listed = {"items": items, "items_as": LIST} if items else {}
    return {**plain, **named, **({"more": more} if more else {}), **listed}


def _read_items(text: str, way: str) -> list[Any]:
    """The items. Raises `Invalid` with the line that is no JSON."""
    lines = [line for line in text.splitlines() if line.strip()]
    if way == LINES:
        return lines
    if way == VALUES:
        return [_read_json(line, f"line {n}") for n, line in enumerate(lines, 1)]
    items = _read_json(text, "the list")
    if not isinstance(items, list):
        raise Invalid("give a list in JSON, like [1, 2, 3]", field="items")
    return items


def _read_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"{what} is no JSON: {error}", field="items") from error
