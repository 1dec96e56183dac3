"""Facts that go wrong, raised where they are found and mapped once, at the edge."""


class HiveError(Exception):
    """A fact that the caller can act on: what is wrong, what is allowed, the way out."""


class Invalid(HiveError):
    """Something in the input is wrong. `field` is its name, with dots for what is inside."""

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.field = field


class NotFound(HiveError):
    """What was asked for does not exist."""


class Gone(HiveError):
    """What was asked for was here, and was deleted because its time was over."""


class NotAllowed(Invalid):
    """The input is well formed, but this caller may not ask for it."""


class Conflict(HiveError):
    """The thing exists, but its state forbids what was asked."""


class TooLarge(Invalid):
    """The input is over a documented limit."""


class Unprocessable(HiveError):
    """The request is well formed, but contradicts an earlier one."""


class Unavailable(HiveError):
    """A part that is needed is away just now; trying again later helps."""


class Forgotten(HiveError):
    """Redis lost its memory; what was in flight there is to be found again."""


class Deposed(HiveError):
    """Another Foreman leads; whatever this one was about to write must not be written."""
