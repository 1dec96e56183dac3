"""What a task raises to say how its failure should be taken."""

#: Nobody waits longer than a year for another try.
LONGEST_SECONDS = 365 * 24 * 3600.0


class Retry(Exception):
    """Ask for another try, `after` seconds from now (None: the task's back-off).

    Raises `ValueError` for what is no time; the task fails with that then.
    """

    def __init__(self, reason: str = "", *, after: float | None = None) -> None:
        super().__init__(reason)
        is_time = isinstance(after, int | float) and -LONGEST_SECONDS <= after <= LONGEST_SECONDS
        if after is not None and not is_time:
            raise ValueError(f"after={after!r}: give seconds, {LONGEST_SECONDS:.0f} at most")
        self.after = after


class Fail(Exception):
    """Fail for good; no further try."""


class TaskTimeout(BaseException):
    """The task ran past its timeout. Not an `Exception`, so that `except Exception` lets it by."""


class TaskCancelled(BaseException):
    """Somebody cancelled the job while the task ran."""
