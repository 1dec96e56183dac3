"""What tasks are given in tests: the same attributes as the real context, kept in memory."""

from dataclasses import dataclass, field


@dataclass
class FakeContext:
    """One attempt that remembers the progress it was shown."""

    node: str = "spore-1"
    release: str = "1.0"
    attempt: int = 1
    fractions: list[float] = field(default_factory=list)

    def progress(self, fraction: float, message: str = "") -> None:
        self.fractions.append(fraction)
