"""What takes the scope `pickle`: whoever has objects loaded on Spores runs any code there."""

import json

from hive_site.kernel.errors import NotAllowed
from jobs.packing import MARK, holds_packed
from jobs.registry import Task
from jobs.task_options import PICKLE

SIGN = json.dumps(MARK)
RULE = "for which a key needs the scope 'pickle'"


def refuse_tasks_of_objects(*, task: Task, reduce: Task | None) -> None:
    """Whatever the items are: a reduction would load what was made of them.

    Raises `NotAllowed` with the field's name.
    """
    for name, each in {"task": task, "reduce": reduce}.items():
        if each and each.codec == PICKLE:
            raise NotAllowed(f"{each.name} takes Python objects, {RULE}", field=name)


def refuse_objects(*, kwargs: str, items: list[str]) -> None:
    """Whatever the task is: in the release of some node it may take objects, and here not.

    These are JSON texts. Raises `NotAllowed` with the field's name.
    """
    for name, text in [("kwargs", kwargs), *((f"items.{n}", it) for n, it in enumerate(items))]:
        if SIGN in text and holds_packed(json.loads(text)):
            raise NotAllowed(f"it holds a Python object, {RULE}", field=name)
