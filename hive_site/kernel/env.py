"""Settings from the environment, typed and loud.

Every variable `NAME` may also come as `NAME_FILE`, the path of a file that holds the value. An
empty variable is as good as none: that is how compose files and units write "not set".
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Env:
    """Reads variables; a wrong value raises `ImproperlyConfigured` with its name and the rule."""

    source: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def text(self, name: str, default: str = "") -> str:
        """The value, or what the file named by NAME_FILE holds, or the default."""
        path = self.source.get(f"{name}_FILE")
        if path and not self.source.get(name):
            try:
                return Path(path).read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "not a text"
                reason = f"{name}_FILE={path}: {why}; give a readable file or {name}"
                raise ImproperlyConfigured(reason) from error
        return self.source.get(name) or default

    def number(self, name: str, default: float, *, at_most: float) -> float:
        """A number from 0 to `at_most`."""
        raw = self.text(name)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            value = -1.0
        if not 0 <= value <= at_most:
            raise ImproperlyConfigured(f"{name}={raw!r}: give a number, 0 to {at_most:g}")
        return value

    def integer(
        self, name: str, default: int, *, at_least: int = 0, at_most: int | None = None
    ) -> int:
        """A whole number, `at_least` or more, and not over `at_most`."""
        raw = self.text(name)
        if not raw:
            return default
        try:
            value = int(raw)
        except ValueError:
            value = at_least - 1
        if value < at_least or (at_most is not None and value > at_most):
            bounds = f"{at_least} or more" if at_most is None else f"{at_least} to {at_most}"
            raise ImproperlyConfigured(f"{name}={raw!r}: give a whole number, {bounds}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false, in any of the usual spellings."""
        raw = self.text(name).lower()
        if not raw:
            return default
        if raw not in TRUE | FALSE:
            raise ImproperlyConfigured(f"{name}={raw!r}: give true or false")
        return raw in TRUE

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of the allowed words, in any case."""
        raw = self.text(name, default)
        if raw.lower() not in allowed:
            raise ImproperlyConfigured(f"{name}={raw!r}: give {' or '.join(allowed)}")
        return raw.lower()

    def listing(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list without empty entries."""
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    def weights(self, name: str, default: str) -> tuple[float, float, float]:
        """Three numbers from 0 to 1 that add up to 1."""
        raw = self.text(name, default)
        try:
            cpu, memory, tasks = (float(part) for part in raw.split(","))
        except ValueError:
            cpu = memory = tasks = -1.0
        # Written so that NaN, which compares with nothing, is refused.
        if not (min(cpu, memory, tasks) >= 0 and abs(cpu + memory + tasks - 1) <= 1e-6):
            rule = "give three numbers for CPU, RAM and tasks that add up to 1, like 0.4,0.3,0.3"
            raise ImproperlyConfigured(f"{name}={raw!r}: {rule}")
        return cpu, memory, tasks
