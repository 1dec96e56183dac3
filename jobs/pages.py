"""Pages of ready subtasks for many lines at once: a new leader asks a few times, not once a job."""

from collections.abc import Iterable, Iterator

from jobs.domain.backlog import Line
from jobs.domain.flight import Flight
from jobs.loader import COLUMNS, LOADABLE, PAGE, UNSENT, fill, find_crash_nodes, take_in
from jobs.models import Subtask
from jobs.result_cache import ResultCache

#: More names than this in one question help nobody.
LINES_AT_ONCE = 500


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
    nodes = find_crash_nodes(crashed)
    for line in lines:
        rows = pages[line.order.job]
        if line.order.once:
            rows = [row for row in rows if row[5] in UNSENT]
        line.exhausted = True
        line.cursor = rows[-1][1] if rows else line.cursor
        take_in(line, rows, nodes, flight, cache)


def _size(line: Line) -> int:
    return line.order.total + 1  # its reduction


def _is_small(line: Line) -> bool:
    """Whether one page has all of it, and it has nothing yet."""
    return line.cursor < 0 and not line.exhausted and _size(line) < PAGE
