"""Deletes rows with everything that hangs on them, in as many statements as there are tables.

Raw, because Django would load every subtask only to learn that nothing listens; and along the
foreign keys, so that a new table cannot be forgotten.
"""

from typing import Any

from django.db.models import CASCADE, SET_NULL, Model

from jobs.models import Edge, Job, Subtask


def delete_jobs(jobs: list[str]) -> None:
    """Forget jobs with all that belongs to them, in the caller's transaction.

    Where they are parents, the edge stays: their children read from it that they were deleted.
    """
    _raw_delete(Edge, child__in=jobs)
    _delete(Job, jobs)


def delete_subtasks(subtasks: list[int]) -> None:
    """Forget subtasks with their attempts and whatever else tells of them."""
    _delete(Subtask, subtasks)


def _delete(model: type[Model], keys: list[Any]) -> None:
    _delete_dependants(model, {"in": keys})
    _raw_delete(model, pk__in=keys)


def _delete_dependants(model: type[Model], keys: dict[str, Any], path: str = "") -> None:
    """The rows of other tables that point to these, the farthest first."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not (relation.auto_created and not relation.concrete and relation.one_to_many):
            continue
        other, name = relation.related_model, relation.field.name
        way = f"{name}__{path}" if path else name
        which = {f"{way}__{lookup}": value for lookup, value in keys.items()}
        if relation.on_delete is SET_NULL:
            other._base_manager.filter(**which).update(**{name: None})
        elif relation.on_delete is CASCADE:
            _delete_dependants(other, keys, way)
            _raw_delete(other, **which)


def _raw_delete(model: type[Model], **which: Any) -> None:
    rows = model._base_manager.filter(**which)
    rows._raw_delete(rows.db)  # type: ignore[attr-defined]
