"""What a bundle is made of: which ready subtasks of a line travel together."""

from collections.abc import Iterator

from jobs.domain.backlog import Line, Ready
from jobs.domain.bundles import MAX_BYTES
from jobs.domain.flight import Flight

#: So many items behind one that finds no room are looked at for others that do.
LOOK_BEHIND = 100


def heads(line: Line, flight: Flight) -> Iterator[int]:
    """Where to begin a bundle: at the first item, else at others that other nodes may take."""
    if not line.ready:
        return
    yield 0
    tried = {line.ready[0].avoid}
    if not line.ready[0].avoid:
        return  # whatever lies behind it is no easier to place
    for at, ready in enumerate(line.ready):
        if at >= LOOK_BEHIND:
            return
        if ready.avoid not in tried and not _is_spared(ready, flight):
            tried.add(ready.avoid)
            yield at


def take(line: Line, at: int, count: int, flight: Flight) -> list[Ready]:
    """Up to `count` ready subtasks from there on, within the size that one bundle may have."""
    line.ready.rotate(-at)
    items = [line.ready.popleft()]
    keys = {items[0].key}
    room = MAX_BYTES - len(items[0].item)
    # Those before the first one lie at the end for now.
    while len(items) < count and len(line.ready) > at:
        following = line.ready[0]
        if following.key and following.key in keys:
            flight.twins.park(line, line.ready.popleft())
            continue
        if _is_known(line, following, flight):
            line.ready.popleft()
            continue
        room -= len(following.item)
        if room < 0 or not _may_join(items[0], following):
            break
        items.append(line.ready.popleft())
        keys.add(following.key)
    line.ready.rotate(at)
    return items


def _may_join(first: Ready, following: Ready) -> bool:
    """Whether it may travel along. What must avoid a node would drag neighbours that need not."""
    alike = (first.avoid, first.copy_because) == (following.avoid, following.copy_because)
    return alike and not following.reduce


def drop_known(line: Line, flight: Flight) -> None:
    """Put aside what lies at the head and need not be sent, because an equal one was."""
    while line.ready and _is_known(line, line.ready[0], flight):
        line.ready.popleft()


def _is_known(line: Line, ready: Ready, flight: Flight) -> bool:
    """Whether a subtask need not be sent, because an equal one was; it is put aside then."""
    if not _is_spared(ready, flight):
        return False
    if flight.twins.is_fresh(ready.key):
        line.known.append((ready, None))
    else:
        flight.twins.park(line, ready)
    return True


def _is_spared(ready: Ready, flight: Flight) -> bool:
    """Whether an equal subtask was sent, whose result will do."""
    if not ready.key or flight.holds(ready.subtask):  # a second copy of it is wanted
        return False
    return flight.twins.is_fresh(ready.key) or flight.flies(ready.key)
