"""What a task raises to say how its failure should be taken."""


class Retry(Exception):
    """Ask for another try, `after` seconds from now (None: the task's back-off)."""

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Fail(Exception):
    """Fail for good; no further try."""


class TaskTimeout(BaseException):
    """The task ran past its timeout. Not an `Exception`, so that `except Exception` lets it by."""


class TaskCancelled(BaseException):
    """Somebody cancelled the job while the task ran."""
