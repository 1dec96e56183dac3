"""Imports without what a package would load only because it happens to be installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def absent(*packages: str) -> Iterator[None]:
    """Meanwhile `import` finds none of these packages, unless it was imported before."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: there is none
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
