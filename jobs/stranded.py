"""Which nodes hold work that they can never bring back."""

from jobs.domain.flight import Flight
from nodes.domain.states import NodeState
from nodes.roster import Roster, Seat


def find_stranded(flight: Flight, roster: Roster) -> dict[str, str]:
    """Such nodes, each with the reason."""
    reasons = {node: _why(node, roster.get(node), flight) for node in flight.nodes()}
    return {node: reason for node, reason in reasons.items() if reason}


def _why(node: str, seat: Seat | None, flight: Flight) -> str:
    if seat is None:
        return "was deleted"
    if seat.state is NodeState.LOST:
        return seat.reason or "lost"
    anew = any(bundle.incarnation != seat.beat.incarnation for bundle in flight.on(node))
    return "started anew" if anew else ""
