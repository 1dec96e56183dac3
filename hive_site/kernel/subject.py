"""What this process works on just now, for its log.

Asked when a line is written, and not before: whoever works on thousands of things a second pays
nothing for it.
"""

from collections.abc import Callable, Mapping

Subject = Callable[[], Mapping[str, object]]
_tell: Subject = dict


def set_subject(tell: Subject) -> None:
    """Have `tell` answer from now on."""
    global _tell
    _tell = tell


def subject() -> Mapping[str, object]:
    """The fields that every line of the log has just now."""
    return _tell()
