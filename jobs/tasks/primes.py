"""Arithmetic that keeps a CPU busy."""

from math import isqrt
from typing import Any

from jobs.outcomes import Fail
from jobs.registry import task
from jobs.spore.context import Context

#: The segment that is sieved at once, so that memory stays small.
SEGMENT = 1 << 18
LIMIT = 10**12


@task("math.count_primes")
def count_primes(ctx: Context, item: Any) -> int:
    """How many primes there are in [start, stop)."""
    start, stop = _bounds(item)
    small = _primes_up_to(isqrt(max(stop - 1, 0)))
    count = 0
    for low in range(max(start, 2), stop, SEGMENT):
        high = min(low + SEGMENT, stop)
        count += _count_segment(low, high, small)
        ctx.progress((high - start) / (stop - start))
    return count


def _bounds(item: Any) -> tuple[int, int]:
    match item:
        case [int(start), int(stop)] if max(abs(start), abs(stop)) <= LIMIT:
            return start, stop
    raise Fail(f"{item!r} is no range; give [start, stop], whole numbers up to {LIMIT:.0e}")


def _primes_up_to(limit: int) -> list[int]:
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = bytes(min(2, limit + 1))
    for n in range(2, isqrt(limit) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, limit + 1, n)))
    return [n for n, prime in enumerate(sieve) if prime]


def _count_segment(low: int, high: int, small: list[int]) -> int:
    """The segmented sieve of Eratosthenes on [low, high)."""
    sieve = bytearray([1]) * (high - low)
    for prime in small:
        if prime * prime >= high:
            break
        first = max(prime * prime, -(-low // prime) * prime)
        sieve[first - low :: prime] = bytes(len(range(first, high, prime)))
    return sum(sieve)
