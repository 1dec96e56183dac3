"""How a test learns which process runs what, and says when it may go on: files, nothing else."""

from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.colony import until


@dataclass(frozen=True)
class Mark:
    """An attempt that began, and the process that runs it."""

    index: int
    attempt: int
    pid: int


class Marks:
    """The directory where items of `odd.hold` leave their marks and wait for a word."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()

    def read(self) -> list[Mark]:
        names = sorted(path.name for path in self.place.glob("*.*.*"))
        return [Mark(*map(int, name.split("."))) for name in names]

    def await_count(self, count: int) -> list[Mark]:
        """The marks once there are so many."""
        until(lambda: len(self.read()) >= count, what=f"{count} marks, there are {self.read()}")
        return self.read()

    def done(self) -> list[Path]:
        """One path for each item that came to its end."""
        return list(self.place.glob("*.done"))

    def go(self) -> None:
        """Whoever waits may end now, and so may all that come later."""
        (self.place / "go").touch()
