"""What templates of the pages write: numbers for people, states, bars, small lines.

js/format.js and js/bind.js write the same when a page is live.
"""

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()
DASH = "–"
#: What is not known; templates write the second for a name that there is not.
UNKNOWN: tuple[Any, ...] = (None, "")
#: Units with their seconds, and how the rest below each is told: its seconds and its name.
UNITS = (("d", 86_400, 3600, "h"), ("h", 3600, 60, "min"), ("min", 60, 1, "s"))
SPARK_WIDTH, SPARK_HEIGHT = 100, 30
#: How many values a small line keeps when it goes on by itself.
SPARK_VALUES = 120
PARTS = (("ok", "succeeded"), ("no", "failed"), ("off", "cancelled"), ("run", "running"))


@register.filter
def count(value: float | None) -> str:
    """A whole number in groups of three."""
    return DASH if value in UNKNOWN else f"{value:,.0f}"


@register.filter
def pairs(mapping: dict[str, Any]) -> list[tuple[str, Any]]:
    """Names and values; in a template `.items` may be one of the names."""
    return sorted(mapping.items())


@register.filter
def rate(value: float | None) -> str:
    """Something per second."""
    if value in UNKNOWN:
        return DASH
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


@register.filter
def percent(value: float | None) -> str:
    """A share of 1 in percent."""
    return DASH if value in UNKNOWN else f"{value * 100:.0f} %"


@register.filter
def share(value: float | None) -> str:
    """A share of 1 in percent, with a digit more where it is small: of failures, each counts."""
    if value is None:
        return DASH
    return f"{value * 100:.1f} %" if 0 < value < 0.1 else percent(value)


@register.filter
def span(seconds: float | None) -> str:
    """A span of time in two units at most: "0.4 s", "3 min 20 s", "2 h 5 min"."""
    if seconds in UNKNOWN:
        return DASH
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    for unit, size, below, smaller in UNITS:
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


@register.filter
def brief(seconds: float | None) -> str:
    """A span of time that may be short: "12 ms", else as `span` tells it."""
    if seconds is None or seconds >= 1:
        return span(seconds)
    return f"{max(seconds, 0) * 1000:.0f} ms"


@register.filter
def moment(text: str | None) -> datetime | None:
    """The moment that an RFC 3339 text tells."""
    return datetime.fromisoformat(text) if text else None


@register.filter
def elapsed(since: datetime | float | None) -> float | None:
    """Seconds since a moment; a number is one in Unix seconds."""
    if since is None:
        return None
    at = since.timestamp() if isinstance(since, datetime) else since
    return timezone.now().timestamp() - at


@register.filter
def ago(since: datetime | float | None) -> str:
    """How long ago a moment was."""
    return DASH if since is None else f"{span(elapsed(since))} ago"


@register.simple_tag
def age(since: datetime | None) -> SafeString | str:
    """How long ago a moment was, which a live page goes on telling."""
    if since is None:
        return DASH
    return format_html(
        '<time datetime="{}" title="{} UTC" data-as="ago" data-at="{}">{}</time>',
        *(since.isoformat(), f"{since:%Y-%m-%d %H:%M:%S}", since.timestamp(), ago(since)),
    )


@register.filter
def took(subtask: Any) -> float | None:
    """Seconds from the start of a subtask to its end, if it had both."""
    begun, ended = subtask.started_at, subtask.finished_at
    return max((ended - begun).total_seconds(), 0.0) if begun and ended else None


@register.filter
def commands(sentence: str) -> SafeString:
    """A sentence whose `commands` are shown as such."""
    parts = enumerate(re.split("`([^`]+)`", sentence))
    told = [format_html("<code>{}</code>", part) if n % 2 else part for n, part in parts]
    return format_html_join("", "{}", ((part,) for part in told))


@register.simple_tag
def state(word: str, field: str = "") -> SafeString:
    """A state with its sign and colour; `field` is its name in live values."""
    bound = format_html(' data-f="{}"', field) if field else ""
    return format_html('<span class="state" data-state="{}"{}>{}</span>', word, bound, word)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A picture from the sheet of icons, for those who see; the text beside it says it."""
    from django.templatetags.static import static

    sheet = static("hive_site/icons.svg")
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sheet, name
    )


@register.simple_tag
def bar(job: Any) -> SafeString:
    """How far a job is: the shares of what succeeded, failed, was cancelled, runs."""
    total = _of(job, "total")
    parts, at = [], 0.0
    for name, field in PARTS:
        share = _of(job, field) / total * 100 if total else 0.0
        parts.append((name, f"{at:.3f}", f"{share:.3f}"))
        at += share
    rects = format_html_join("", '<rect class="{}" x="{}" width="{}" height="1"></rect>', parts)
    done = f"{_of(job, 'succeeded'):,} of {total:,} succeeded, {_of(job, 'failed'):,} failed"
    return format_html(
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>',
        done,
        rects,
    )


@register.simple_tag
def spark(values: Iterable[float | None], kind: str = "", name: str = "") -> SafeString:
    """A small line through values; `name` says which live figure goes on with it."""
    shown = list(values)[-SPARK_VALUES:]
    points = _points(shown)
    area = _area(points) if points else ""
    return format_html(
        '<svg class="spark {}" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true"'
        ' data-spark="{}" data-most="{}" data-values="{}"><polygon points="{}"></polygon>'
        '<polyline points="{}"></polyline></svg>',
        *(kind, SPARK_WIDTH, SPARK_HEIGHT, name, SPARK_VALUES),
        json.dumps([None if value is None else round(value, 3) for value in shown]),
        *(area, points),
    )


def _points(values: Sequence[float | None]) -> str:
    top = max([value for value in values if value is not None], default=0.0) or 1.0
    step = SPARK_WIDTH / (len(values) - 1) if len(values) > 1 else 0.0
    return " ".join(
        f"{n * step:.1f},{SPARK_HEIGHT - value / top * SPARK_HEIGHT:.1f}"
        for n, value in enumerate(values)
        if value is not None
    )


def _area(points: str) -> str:
    """What lies below a line: from where it begins to where it ends."""
    first, last = (
        point.partition(",")[0] for point in (points, points.rsplit(" ", maxsplit=1)[-1])
    )
    return f"{first},{SPARK_HEIGHT} {points} {last},{SPARK_HEIGHT}"


def _of(job: Any, field: str) -> int:
    value = job.get(field, 0) if isinstance(job, dict) else getattr(job, field)
    return int(value)
