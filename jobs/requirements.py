"""What a job requires of the nodes that run it."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hive_site.kernel.errors import Invalid
from jobs.numbers import whole
from nodes.domain.names import NODE_NAME
from nodes.releases import Releases

if TYPE_CHECKING:
    from jobs.registry import Task

#: The most of each that anybody can mean.
WHOLE = {"gpu": 64, "gpu_memory_mb": 10_000_000, "memory_mb": 100_000_000}
KEYS = (*WHOLE, "labels", "capabilities", "avoid", "release")
#: The first character is a letter: databases take a key of digits for a position in a list.
LABEL_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]{0,62}")
LABEL_VALUE = re.compile(r"[^\x00-\x1f\ud800-\udfff]{0,200}")
CAPABILITY = re.compile(r"[A-Za-z0-9_.+:-]{1,64}")
MAX_LABELS = MAX_CAPABILITIES = 50
MAX_AVOIDED = 100


def merge_requirements(task: "Task", wish: Any) -> dict[str, Any]:
    """The task's needs and the job's together; where both name a value, the job's counts."""
    if not isinstance(wish, Mapping):
        raise Invalid(f"give an object with some of {', '.join(KEYS)}", field="requires")
    for name in wish:
        if name not in KEYS:
            known = ", ".join(KEYS)
            raise Invalid(f"nodes have no {name!r}; there are {known}", field=f"requires.{name}")
    merged: dict[str, Any] = {name: _whole(wish, name, getattr(task, name)) for name in WHOLE}
    if merged["gpu_memory_mb"]:
        merged["gpu"] = max(merged["gpu"], 1)
    merged["labels"] = {
        **task.labels,
        **check_labels(_given(wish, "labels", {}), field="requires.labels"),
    }
    merged["capabilities"] = sorted({*task.capabilities, *_capabilities(wish)})
    merged["avoid"] = sorted(set(_avoided(wish)))
    merged["release"] = _release(wish)
    return {name: value for name, value in merged.items() if value}


def check_labels(value: Any, *, field: str) -> dict[str, str]:
    """The labels, if they are ones: short names with short texts."""
    if not isinstance(value, Mapping) or len(value) > MAX_LABELS:
        raise Invalid(f"give an object of at most {MAX_LABELS} names and texts", field=field)
    for name, text in value.items():
        if not isinstance(name, str) or not LABEL_KEY.fullmatch(name):
            rule = "a label's name is a letter, then up to 62 letters, digits, and . _ / -"
            raise Invalid(f"{name!r}; {rule}", field=field)
        if not isinstance(text, str) or not LABEL_VALUE.fullmatch(text):
            raise Invalid(f"{name}: give a line of text, 200 characters at most", field=field)
    return dict(value)


def _given(wish: Mapping[str, Any], name: str, default: Any) -> Any:
    return default if wish.get(name) is None else wish[name]


def _whole(wish: Mapping[str, Any], name: str, default: int) -> int:
    value = {name: _given(wish, name, default)}
    return whole(value, name, default, most=WHOLE[name], within="requires.")


def _capabilities(wish: Mapping[str, Any]) -> list[str]:
    value = _given(wish, "capabilities", [])
    if not isinstance(value, list | tuple | set | frozenset) or len(value) > MAX_CAPABILITIES:
        rule = f"give a list of at most {MAX_CAPABILITIES} words"
        raise Invalid(rule, field="requires.capabilities")
    for word in value:
        if not isinstance(word, str) or not CAPABILITY.fullmatch(word):
            raise Invalid(f"{word!r} is no capability, like ffmpeg", field="requires.capabilities")
    return list(value)


def _avoided(wish: Mapping[str, Any]) -> list[str]:
    names = _given(wish, "avoid", [])
    if not isinstance(names, list | tuple) or len(names) > MAX_AVOIDED:
        rule = f"give a list of at most {MAX_AVOIDED} names of nodes"
        raise Invalid(rule, field="requires.avoid")
    for name in names:
        if not isinstance(name, str) or not NODE_NAME.fullmatch(name):
            rule = "a node's name is 1 to 48 letters, digits, - and _"
            raise Invalid(f"{name!r}; {rule}", field="requires.avoid")
    return list(names)


def _release(wish: Mapping[str, Any]) -> str:
    text = _given(wish, "release", "")
    try:
        return Releases.read(text).text if text != "" else ""
    except ValueError as error:
        raise Invalid(str(error), field="requires.release") from error
