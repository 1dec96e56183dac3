"""Pages of ready subtasks: of one line, and of many at once, for which a new leader has no time to
ask one by one."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from hive_site.kernel.prepared import Prepared
from jobs.domain.backlog import Line, Order, Ready
from jobs.domain.cache import key_of
from jobs.domain.flight import Flight
from jobs.domain.states import Outcome, Role, SubtaskState
from jobs.loader import LOADABLE, UNSENT, load_reduction
from jobs.models import Attempt, Subtask
from jobs.result_cache import ResultCache

PAGE = 2000
#: The window is filled again when it holds fewer than this.
LOW_WATER = 500
#: No page is read while so many wait for results of others.
MOST_ASIDE = 10_000
COLUMNS = ("id", "index", "attempts", "item", "role", "state", "retry_at", "crashes")
#: More names than this in one question help nobody.
LINES_AT_ONCE = 500


def page_query(rows: int) -> Prepared[tuple[Any, ...]]:
    """Asks for the next so many open subtasks of a job behind an index."""

    def build(job: str, cursor: int) -> QuerySet[Subtask, tuple[Any, ...]]:
        behind = Subtask.objects.filter(job=job, index__gt=cursor, state__in=LOADABLE)
        return behind.order_by("index").values_list(*COLUMNS)[:rows]

    return Prepared(build, str, int)


NEXT_PAGE = page_query(PAGE)


def fill(line: Line, flight: Flight, cache: ResultCache | None = None) -> None:
    """Load the next page into the line's window, if it runs low and there is more.

    Of a job that asks for it, what is in the cache is known at once.
    """
    aside = len(line.known) + len(line.parked)
    if line.exhausted or len(line.ready) >= LOW_WATER or aside >= MOST_ASIDE:
        return
    rows = NEXT_PAGE.all(line.order.job, line.cursor)
    line.exhausted = len(rows) < PAGE
    if rows:
        line.cursor = rows[-1][1]
    crashed = _crash_nodes([row[0] for row in rows if row[7]])
    _take_in(line, rows, crashed, flight, cache)


def _take_in(
    line: Line,
    rows: list[tuple],
    crashed: dict[int, frozenset[str]],
    flight: Flight,
    cache: ResultCache | None,
) -> None:
    """Put rows of `COLUMNS` into the line's window, but for what is in flight, or may be."""
    rows = [row for row in rows if not (flight.holds(row[0]) or _is_doubtful(line.order, row))]
    keys = _keys_of(line.order, rows)
    results = cache.find(line.order, list(keys.values())) if cache and keys else {}
    for row in rows:
        key = keys.get(row[0], "")
        _enter(line, row, crashed, key, results.get(key))


def _is_doubtful(order: Order, row: tuple) -> bool:
    """Whether the subtask may never run twice, and may have been sent."""
    role, state = row[4:6]
    return order.of(reduce=role == Role.REDUCE).once and state not in UNSENT


def _keys_of(order: Order, rows: list[tuple]) -> dict[int, str]:
    """The names of these items' results in the cache, if their job uses it."""
    if not order.cache_for:
        return {}
    return {row[0]: key_of(order.cache_base, row[3]) for row in rows if row[4] == Role.MAP}


def _enter(
    line: Line, row: tuple, crashed: dict[int, frozenset[str]], key: str, result: str | None
) -> None:
    subtask, index, attempts, item, role, state, retry_at, _ = row
    reduce = role == Role.REDUCE
    avoid = crashed.get(subtask, frozenset())
    ready = Ready(subtask, index, attempts + 1, item, reduce, avoid, key=key)
    if reduce:
        ready = load_reduction(line.order.job) or ready
    if result is not None:
        line.known.append((ready, result))
    elif state == SubtaskState.RETRYING and retry_at:
        line.put_off(ready, retry_at.timestamp())
    else:
        line.ready.append(ready)


def bunches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in lists, each to be filled at once: a page of subtasks at most, or one job."""
    bunch: list[Line] = []
    rows = 0
    for line in lines:
        if not _is_small(line):
            yield [line]
            continue
        if bunch and (rows + _size(line) > PAGE or len(bunch) == LINES_AT_ONCE):
            yield bunch
            bunch, rows = [], 0
        bunch.append(line)
        rows += _size(line)
    if bunch:
        yield bunch


def fill_bunch(lines: list[Line], flight: Flight, cache: ResultCache | None = None) -> None:
    """Load what `fill` would into each line of a bunch."""
    if len(lines) == 1:
        fill(lines[0], flight, cache)
        return
    found = Subtask.objects.filter(job__in=[line.order.job for line in lines], state__in=LOADABLE)
    pages: dict[str, list[tuple]] = {line.order.job: [] for line in lines}
    crashed = []
    for job, *row in found.order_by("job", "index").values_list("job", *COLUMNS):
        pages[job].append(tuple(row))
        crashed += [row[0]] if row[7] else []
    nodes = _crash_nodes(crashed)
    for line in lines:
        rows = pages[line.order.job]
        line.exhausted = True
        line.cursor = rows[-1][1] if rows else line.cursor
        _take_in(line, rows, nodes, flight, cache)


def _size(line: Line) -> int:
    return line.order.total + 1  # its reduction


def _is_small(line: Line) -> bool:
    """Whether one page has all of it, and it has nothing yet."""
    return line.cursor < 0 and not line.exhausted and _size(line) < PAGE


def _crash_nodes(subtasks: list[int]) -> dict[int, frozenset[str]]:
    """Where these subtasks killed their process, for those that did."""
    if not subtasks:
        return {}
    rows = Attempt.objects.filter(subtask__in=subtasks, outcome=Outcome.CRASHED)
    nodes: dict[int, set[str]] = {}
    for subtask, node in rows.values_list("subtask_id", "node"):
        nodes.setdefault(subtask, set()).add(node)
    return {subtask: frozenset(names) for subtask, names in nodes.items()}
