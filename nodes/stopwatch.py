"""Measures what is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from nodes.domain.histogram import Histogram


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Count how long the block takes, even if it breaks."""
    begun = perf_counter()
    try:
        yield
    finally:
        histogram.add(perf_counter() - begun)
