"""How a node gets from one release to another and back (docs/states.md)."""

from ota.domain.install.machine import Installation

__all__ = ["Installation"]
