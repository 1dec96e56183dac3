"""What nodes have in hand, by the Foreman's own count, and what that leaves of their machines.

Nodes on one machine share its memory and devices, so these are counted for all of them at once.
"""

from collections import Counter

from jobs.domain.flight import Flight
from nodes.roster import Seat


def occupy(seats: list[Seat], flight: Flight) -> None:
    """Bring what the seats of one machine say of work in flight up to date."""
    leased: set[str] = set()
    promised = freed = 0
    for seat in seats:
        sent = flight.on(seat.name)
        # What retired agents run takes none of its slots.
        seat.in_flight = max(len(sent) - seat.beat.elders, 0)
        long = sum(not bundle.short for bundle in sent)
        seat.long_in_flight = max(long - seat.beat.elders, 0)
        seat.leased_gpus = {gpu for bundle in sent for gpu in bundle.gpus}
        leased |= {gpu.device for gpu in seat.beat.gpus if gpu.index in seat.leased_gpus}
        held = _held_mb(seat, flight)
        for bundle in sent:
            if bundle.memory_mb:
                promised += max(bundle.memory_mb - held[bundle.id], 0)
                freed += held[bundle.id]
    for seat in seats:
        seat.leased_gpus |= {gpu.index for gpu in seat.beat.gpus if gpu.device in leased}
        seat.promised_mb, seat.held_mb = promised, freed


def _held_mb(seat: Seat, flight: Flight) -> Counter[str]:
    """What each bundle holds of the memory, by the node's last heartbeat."""
    held: Counter[str] = Counter()
    for attempt, megabytes in seat.beat.held_mb.items():
        sent = flight.of_attempt(attempt)
        if sent and sent.node == seat.name:
            held[sent.id] += megabytes
    return held
