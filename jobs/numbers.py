"""Numbers that people give, within what they can mean."""

from collections.abc import Mapping
from typing import Any

from hive_site.kernel.errors import Invalid


def whole(given: Mapping[str, Any], name: str, default: int, *, most: int, within: str = "") -> int:
    """The whole number of that name, 0 to `most`. Raises `Invalid` with the name in `within`."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Invalid(f"{value!r}; give a whole number from 0 to {most}", field=f"{within}{name}")
    return value


def seconds(
    given: Mapping[str, Any], name: str, default: float, *, most: float, zero: bool = True
) -> float:
    """The number of seconds of that name, up to `most`. Raises `Invalid`."""
    value = given.get(name, default)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not 0 <= value <= most or not (zero or value):  # NaN is in no range
        rule = f"{'from 0' if zero else 'above 0'} to {most:.0f}"
        raise Invalid(f"{value!r}; give a number of seconds {rule}", field=name)
    return float(value)
