"""What autoscaling needs of others: machines, credentials for them, and what waits."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from nodes.domain.scaling_loads import Offer, Want
from nodes.domain.scaling_machines import Instance


class ProviderError(Exception):
    """A provider could not do what it was asked for; its text is for people."""


class Provider(Protocol):
    """Machines of one pool of one cluster: whoever else's they list nothing of.

    Each call may take seconds, has a time limit of its own, and raises `ProviderError`. They come
    one at a time, from a thread beside the Foreman's loop.
    """

    def list(self) -> Sequence[Instance]:
        """Everything that exists, starts or ends included. This is the truth."""

    def start(self, nodes: Sequence[str]) -> None:
        """Start one machine for each of these names. Who names machines itself may give others."""

    def stop(self, instance: Instance) -> None:
        """Tell a machine to end, for good. Nothing happens if it is gone."""

    def close(self) -> None:
        """The Foreman ends: end what must not outlive it."""


class Invitations(Protocol):
    """Makes what a new machine needs to join the cluster."""

    def make(self, *, pool: str, node: str) -> dict[str, str]:
        """Variables for its environment: its name, and a key or a token that lets it join as it."""


class Wants(Protocol):
    """Work as the autoscaler sees it."""

    def wants(self, now: datetime, offers: list[Offer]) -> list[Want]:
        """What could run now, if there were room. Whoever waits may be told of these offers."""

    def busy(self, node: str) -> int:
        """How many bundles a node has in hand, or waiting behind those."""


#: Opens the provider of a pool anew, for one term of leadership.
Open = Callable[[], Provider]
