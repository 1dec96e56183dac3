"""A node for tests: the real machine, a clock turned by hand, and what it was told to do."""

from ota.domain.install import Installation
from ota.domain.install.events import (
    HandOver,
    Live,
    Probed,
    Ready,
    Staged,
    StartAgent,
    Started,
    StartStager,
    Tick,
    Told,
    Warm,
)
from ota.domain.install.state import OWN, Slot, State, Wanted, read_state
from ota.domain.install.step import Moment

OWN_SLOT = Slot(OWN, "0.1", tree="/own")
A, B, C = (letter * 64 for letter in "abc")


def slot(sha256, seq=1, floor=0):
    return Slot(
        f"dev-{seq:06d}-{sha256[:12]}", f"1.{seq}", sha256, "dev", seq, floor, "py", "/tree"
    )


def wanted(sha256, rev=1, **terms):
    given = {"activate": True, "probation": 2.0, "handover": 60.0, "deadline": 30.0, **terms}
    return Wanted(rev, sha256, version="1", channel="dev", seq=1, path="p", size=1, **given)


class Node:
    """`tell` it an event: `told` holds all acts since the last look."""

    def __init__(self, state=None):
        self.saved = (state or State(OWN_SLOT)).write()
        self.wall = self.steady = 1000.0
        self.reboot()

    def reboot(self):
        """The launcher is killed and starts again from what is on the disk."""
        self.machine = Installation(read_state(self.saved), own=OWN_SLOT)
        self.told = []

    @property
    def state(self):
        return self.machine.state

    def tell(self, event):
        acts = self.machine.take(event, Moment(self.wall, self.steady))
        self.saved = self.machine.state.write()
        self.told += acts
        return acts

    def tick(self, seconds=0.0):
        self.wall += seconds
        self.steady += seconds
        return self.tell(Tick())

    def start(self):
        self.tell(Started())
        return self

    def run(self):
        """Start, and the agent that is started is heard and, if it must, proved."""
        return self.start().prove()

    def prove(self):
        for event in (Ready(), Live()):
            self.tell(event)
        if any(isinstance(act, StartAgent) and act.probed for act in self.told):
            self.tell(Probed(ok=True))
        return self

    def stage(self, sha256=A, rev=1, seq=1, floor=0, **terms):
        """Want a release and have it ready behind the gate."""
        self.tell(Told(wanted(sha256, rev, **terms)))
        if self.did(StartStager):
            self.tell(Staged(slot(sha256, seq, floor)))
        self.tell(Warm())
        return self

    def commit(self, sha256=A, rev=1, **more):
        """Bring a release through its trial."""
        self.stage(sha256, rev, **more)
        for event in (Live(), Probed(ok=True)):
            self.tell(event)
        self.tick(2.0)
        self.told.clear()
        return self

    def did(self, kind):
        """The acts of a kind that it was told since the last look."""
        return [act for act in self.told if isinstance(act, kind)]

    @property
    def switched(self):
        return bool(self.did(HandOver))
