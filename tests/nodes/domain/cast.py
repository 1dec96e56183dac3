"""What demands are made of, where the real thing is not pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AtLeast:
    """Releases from one on, as texts compare."""

    least: str

    def admits(self, release: str) -> bool:
        return release >= self.least

    def __str__(self) -> str:
        return f">={self.least}"
