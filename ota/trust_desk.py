"""The desk at which releases are signed for: what publishing asks there, and who is asked."""

from datetime import datetime
from typing import Any, Protocol

from ota.trust.nexus import open_repository


class Desk(Protocol):
    """What publishing needs of `ota.trust.repository.Repository`."""

    def ensure(self, now: datetime) -> None:
        """Make keys and a root if there are none."""

    def add_dev(
        self, path: str, length: int, sha256: str, custom: dict[str, Any], now: datetime
    ) -> list[str]:
        """Sign for a development release; the ids of the keys."""

    def add_signed(
        self, envelope: bytes, path: str, length: int, sha256: str, now: datetime
    ) -> list[str]:
        """Take what an operator signed; the ids of the keys."""

    def remove_dev(self, path: str, now: datetime) -> None:
        """Sign no longer for a development release."""


def open_desk() -> Desk:
    """The Nexus's own."""
    return open_repository()
