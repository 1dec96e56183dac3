"""What an agent has to do with its launcher: it heeds it, and keeps it informed."""

import json
from typing import Any

import structlog

from nodes.spore.elders import Elders
from nodes.spore.leash import Leash

log = structlog.get_logger()
DEFAULT_HANDOVER_SECONDS = 3600.0
MAX_SHOWN_CHARS = 2000


class Ward:
    """One agent's. Without a launcher nothing happens here."""

    def __init__(self, leash: Leash) -> None:
        self.leash, self.elders = leash, Elders()
        #: Whether the gate may be opened.
        self.may_go = False
        #: Whether the agent before us died of itself: nobody knows what it ran.
        self.goes_anew = False
        #: How long a retired agent may go on; None while it is not retired.
        self.retires_within: float | None = None
        #: How far an update has come, for people.
        self.shown: dict[str, Any] = {}
        self._revision = 0

    def heed(self, seconds: float = 0.0) -> None:
        """Take in what the launcher said; wait for it so long. Raises `LauncherGone`."""
        for word, what in self.leash.hear(seconds):
            match word, what:
                case "go", {**said}:
                    self.elders.become(said.get("elders", []))
                    self.may_go, self.goes_anew = True, said.get("anew") is True
                case "elders", _:
                    self.elders.become(what)
                case "retire", {**said}:
                    self.retires_within = _seconds(said.get("seconds"))
                case "ota", {**said} if len(json.dumps(said)) <= MAX_SHOWN_CHARS:
                    self.shown = said
                case "tick", _:
                    pass
                case _:
                    log.warning("launcher.refused", reason=f"what is {word[:40]!r}?")

    def say(self, word: str, **what: Any) -> None:
        """Tell the launcher."""
        self.leash.say(word, what)

    def hint(self, revision: object, *, urgent: bool = False) -> None:
        """Something is to be had from the Nexus, if the revision is new or somebody says so."""
        known, grown = self._revision, self._revision
        if isinstance(revision, int):
            grown = max(known, revision)
        self._revision = grown
        if urgent or grown > known:
            self.say("hint", rev=grown)


def _seconds(value: object) -> float:
    known = isinstance(value, (int, float)) and value >= 0
    return float(value) if known else DEFAULT_HANDOVER_SECONDS  # type: ignore[arg-type]
