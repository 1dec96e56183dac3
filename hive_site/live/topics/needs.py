"""`needs`: what somebody should act on."""

from dataclasses import asdict
from datetime import UTC, datetime

from hive_site.live.board import Look, Topic
from hive_site.live.topics.rows import Row
from hive_site.needs import Need, needs
from nodes.picture import Picture


class Needs(Topic):
    """The list of the overview."""

    def read(self, picture: Picture, now: float) -> Look:
        """A few short queries."""
        found = needs(datetime.fromtimestamp(now, UTC), picture)
        return Look({need.key: need_row(need) for need in found})


def need_row(need: Need) -> Row:
    """One of them, but for its key."""
    row = asdict(need)
    del row["key"]
    return row
