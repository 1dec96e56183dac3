"""One pool before a provider that is a list: what is decided is done, and survives everything."""

from itertools import count

import pytest

from nodes.autoscaling.pool import Pool
from nodes.credentials import load_standings
from nodes.domain.scaling_machines import LEAVING
from nodes.domain.scaling_pictures import Load
from nodes.domain.states import Intent, NodeState
from nodes.keyring import Standing
from nodes.models import Node, NodeCredential
from nodes.roster import Roster
from tests.nodes.autoscaling.cast import Fake, Prompt, Work, enrol, pool_of
from tests.nodes.cast import after

pytestmark = pytest.mark.django_db

ONE = Load(1, 1.0, 1.0, 1.0, 1.0)


class Stage:
    """A pool, its provider, and nodes that come when they are told to."""

    def __init__(self) -> None:
        self.provider, self.work, self.roster = Fake(), Work(), Roster()
        self.messenger, self.seconds = Prompt(self.provider), 0
        self.leads = True
        self.load = Load()
        numbers = count(1)
        self.pool = Pool(
            pool_of(),
            self.messenger,
            busy=self.work.busy,
            name_node=lambda: f"cpu-{next(numbers)}",
        )
        self.pool.open(lambda: self.leads)

    def pass_by(self, seconds: int, load: Load | None = None, *, shaky: bool = False) -> dict:
        """So many looks, one a second; how the pool is then."""
        self.load = self.load if load is None else load
        for _ in range(seconds):
            self.seconds += 1
            now = after(self.seconds)
            self.provider.now = now.timestamp()
            self.pool.look(self.roster, self.load, now=now, shaky=shaky)
        return self.pool.tell()

    def come(self, *names: str) -> None:
        for name in names:
            self.roster.add(enrol(name, seen=after(self.seconds)))


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_nothing_is_decided_before_the_provider_told_what_there_is(stage):
    told = stage.pass_by(1, ONE)

    assert (told["wanted"], told["reason"]) == (0, "asks the provider what there is")
    assert stage.provider.calls == ["list"]


def test_work_starts_a_machine_which_becomes_a_node(stage):
    stage.pass_by(2, ONE)
    starting = stage.pass_by(1)
    stage.come("cpu-1")
    ready = stage.pass_by(1, Load())

    assert (starting["starting"], starting["ready"]) == (1, 0)
    assert (ready["starting"], ready["ready"]) == (0, 1)
    [change] = ready["changes"]
    assert change["what"] == "started cpu-1"
    assert "1 subtask waits" in change["reason"]


def test_after_calm_a_node_is_drained_in_the_database_then_removed_and_forgotten(stage):
    stage.pass_by(3, ONE)
    stage.come("cpu-1")
    stage.work.hands["cpu-1"] = 1
    stage.pass_by(5, Load())
    stage.work.hands.clear()
    stage.pass_by(11)
    seat, row = stage.roster["cpu-1"], Node.objects.get(name="cpu-1")

    assert (seat.intent, row.intent, row.set_labels) == (Intent.DRAIN, "drain", {LEAVING: "true"})
    stage.pass_by(1)
    assert stage.provider.machines == {}
    seat.state, seat.reason = NodeState.LOST, "shut down"
    Node.objects.filter(name="cpu-1").update(state=NodeState.LOST)
    told = stage.pass_by(2)
    assert not Node.objects.exists()
    assert [change["what"].split()[0] for change in told["changes"]] == [
        "started",
        "drained",
        "removed",
    ]


def test_a_node_that_works_is_not_removed_before_it_is_through(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.pass_by(12)
    stage.work.hands["cpu-1"] = 1

    told = stage.pass_by(30)

    assert (told["draining"], list(stage.provider.machines)) == (1, ["cpu-1"])


def test_work_that_comes_back_keeps_what_was_leaving(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.pass_by(12)
    marked = LEAVING in stage.roster["cpu-1"].set_labels

    told = stage.pass_by(1, ONE)

    row = Node.objects.get(name="cpu-1")
    assert marked
    assert (row.intent, row.set_labels, stage.roster["cpu-1"].intent) == ("work", {}, Intent.WORK)
    assert (list(stage.provider.machines), told["wanted"]) == (["cpu-1"], 1)


def test_a_new_leader_knows_a_drain_of_its_predecessor_s_from_an_operator_s(stage):
    stage.provider.start(["cpu-1", "cpu-2"])
    stage.come("cpu-1", "cpu-2")
    for name, labels in (("cpu-1", {LEAVING: "true"}), ("cpu-2", {})):
        seat = stage.roster[name]
        seat.state, seat.intent, seat.set_labels = NodeState.DRAINING, Intent.DRAIN, labels

    told = stage.pass_by(3)

    assert list(stage.provider.machines) == ["cpu-2"]
    assert told["held"] == 1


def test_labels_that_an_operator_set_a_moment_ago_outlive_a_drain(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.pass_by(1, ONE)
    Node.objects.update(set_labels={"rack": "2"})

    stage.pass_by(12, Load(), shaky=False)

    assert stage.roster["cpu-1"].set_labels == {"rack": "2", LEAVING: "true"}


def test_a_leaving_node_that_an_operator_resumed_is_nobody_s_to_remove(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.pass_by(12, shaky=False)
    seat = stage.roster["cpu-1"]
    Node.objects.update(intent=Intent.WORK)
    seat.intent = Intent.WORK
    stage.pass_by(1, ONE)
    Node.objects.update(intent=Intent.DRAIN)
    seat.intent, seat.state = Intent.DRAIN, NodeState.DRAINING

    told = stage.pass_by(3, Load())

    assert (told["held"], list(stage.provider.machines)) == (1, ["cpu-1"])
    assert Node.objects.get().set_labels == {}


def test_a_machine_that_vanished_is_replaced_and_its_row_goes(stage):
    stage.pass_by(3, ONE)
    stage.come("cpu-1")
    stage.pass_by(1)
    stage.provider.machines.clear()
    stage.roster["cpu-1"].state = NodeState.LOST
    Node.objects.filter(name="cpu-1").update(state=NodeState.LOST)

    stage.pass_by(3)

    assert list(stage.provider.machines) == ["cpu-2"]
    assert not Node.objects.exists()


@pytest.mark.parametrize(("invited", "after"), [(2, {"cpu-1": Standing(2, revoked=True)}), (0, {})])
def test_whoever_was_invited_and_removed_has_no_key_any_more(stage, invited, after):
    if invited:
        NodeCredential.objects.create(name="cpu-1", generation=invited)
    stage.come("cpu-1")
    stage.roster["cpu-1"].state = NodeState.LOST
    Node.objects.update(state=NodeState.LOST)

    stage.pass_by(3)

    assert load_standings() == after


def test_hundreds_of_machines_that_vanish_at_once_are_forgotten_a_few_at_a_look(stage):
    stage.come(*(f"cpu-{number}" for number in range(50)))
    for seat in stage.roster:
        seat.state = NodeState.LOST
    Node.objects.update(state=NodeState.LOST)

    left = []
    for _ in range(4):
        stage.pass_by(1)
        left.append(Node.objects.count())
        for name in {seat.name for seat in stage.roster} - set(
            Node.objects.values_list("name", flat=True)
        ):
            stage.roster.drop(name)

    assert left == [50, 30, 10, 0]


def test_rows_of_others_are_left_alone(stage):
    stage.come("spore-1", "cpu-9")
    for name, labels in (("spore-1", {}), ("cpu-9", {"pool": "other"})):
        stage.roster[name].state = NodeState.LOST
        stage.roster[name].beat = type(stage.roster[name].beat)("one", labels=labels)
    Node.objects.update(state=NodeState.LOST)

    stage.pass_by(3)

    assert Node.objects.count() == 2


def test_a_machine_that_never_becomes_a_node_is_given_up_and_another_one_started(stage):
    stage.pass_by(2, ONE)
    stage.pass_by(61)
    gone = list(stage.provider.machines)
    told = stage.pass_by(7)

    assert gone == []
    assert list(stage.provider.machines) == ["cpu-2"]
    assert [change["what"] for change in told["changes"]][-2:] == ["gave up cpu-1", "started cpu-2"]


def test_a_provider_that_starts_nothing_is_asked_again_after_a_rest_and_its_reason_told(stage):
    stage.provider.breaks = "start"

    told = stage.pass_by(5, ONE)
    asked = stage.provider.calls.count("start")
    stage.provider.breaks = ""
    stage.pass_by(6)

    assert asked == 1
    assert (told["starting"], told["wanted"]) == (0, 1)
    assert "1 start failed" in told["reason"]
    assert len(stage.provider.machines) == 1


def test_while_the_provider_does_not_answer_nothing_is_decided(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.pass_by(2)
    stage.provider.breaks = "all"

    told = stage.pass_by(60)

    assert "the provider gave no list for" in told["reason"]
    assert told["error"] == "list: no list today"
    assert stage.roster["cpu-1"].intent is Intent.WORK


def test_while_an_errand_lasts_no_other_one_begins(stage):
    stage.pass_by(2, ONE)
    before = len(stage.messenger.errands)
    stage.messenger.away = True

    stage.pass_by(5)

    assert len(stage.messenger.errands) == before


def test_whoever_was_deposed_starts_nothing(stage):
    stage.pass_by(1)
    stage.leads = False

    told = stage.pass_by(3, ONE)

    assert stage.provider.machines == {}
    assert told["error"] == "another Foreman leads"


def test_what_was_told_to_end_is_not_told_twice_and_counts_no_more(stage):
    stage.provider.start(["cpu-1"])
    stage.come("cpu-1")
    stage.provider.stop = lambda instance: stage.provider.calls.append("stop")
    stage.pass_by(12)

    told = stage.pass_by(20)

    assert stage.provider.calls.count("stop") == 1
    assert (told["leaving"], told["ready"], told["draining"]) == (1, 0, 0)
