"""Whatever happens to a node, in whatever order, one whole release runs (or none can)."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ota.domain.install.events import (
    Anew,
    Exited,
    Leave,
    Live,
    NotStaged,
    NotWarm,
    Probed,
    Ready,
    Staged,
    StartAgent,
    StartWarm,
    Told,
    Warm,
)
from ota.domain.install.state import read_state
from ota.domain.states import Phase
from tests.ota.domain.install.node import OWN_SLOT, A, B, C, Node, slot, wanted

SHAS = st.sampled_from([A, B, C, ""])
EVENTS = st.one_of(
    st.builds(
        lambda sha, rev, activate: Told(wanted(sha, rev, activate=activate)),
        SHAS,
        st.integers(1, 6),
        st.booleans(),
    ),
    st.just(Told(None)),
    st.builds(lambda sha: Staged(slot(sha)), st.sampled_from([A, B, C])),
    st.builds(NotStaged, st.just("download"), st.just("away"), st.booleans()),
    st.sampled_from([Warm(), NotWarm("died"), Ready(), Live(), Anew("a hand-over went wrong")]),
    st.builds(Probed, st.booleans(), st.just("a reason")),
    st.builds(Exited, st.sampled_from([0, 1, -9]), st.just("ended"), patient=st.booleans()),
    st.sampled_from([0.1, 3.0, 70.0, 2000.0]),  # time goes by
    st.just("killed"),
)


def live(node, event):
    if event == "killed":
        node.reboot()
        node.start()
    elif isinstance(event, float):
        node.tick(event)
    else:
        node.tell(event)


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=60))
def test_only_what_lay_ready_or_was_there_before_ever_runs(events):
    node = Node().start()
    warmed = {OWN_SLOT}

    for event in events:
        live(node, event)
        warmed |= {act.slot for act in node.told if isinstance(act, StartWarm)}
        started = {act.slot for act in node.told if isinstance(act, StartAgent)}

        assert started <= warmed
        assert node.state.active in warmed
        assert node.state.active != node.state.previous
        if node.state.phase is Phase.TRIAL:
            assert node.state.previous is not None
        if node.state.phase is Phase.STAGED:
            assert node.state.pending is not None
        if node.did(Leave):
            return


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=60))
def test_a_node_that_is_left_in_peace_comes_to_rest_and_can_still_be_updated(events):
    node = Node().run()
    for event in events:
        live(node, event)
        if node.did(Leave):
            return

    for _ in range(12):  # whatever is started now is healthy
        node.told.clear()
        node.tick(2000.0)
        node.prove()
        node.tell(Probed(ok=True))
        node.tick(3.0)
    node.tell(Told(None))

    assert node.state.phase is Phase.IDLE
    assert not node.state.safe
    last = node.state.rev + 1
    node.tick(7 * 86_400.0)
    node.commit(D, rev=last, seq=9)
    assert node.state.active.sha256 == D


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=40), st.data())
def test_a_state_is_read_as_it_was_written_and_never_when_it_was_cut(events, data):
    node = Node().start()
    for event in events:
        live(node, event)
    text = node.state.write()

    assert read_state(text) == node.state

    where = data.draw(st.integers(0, len(text) - 2))
    for damaged in (text[:where], text[:where] + bytes([text[where] ^ 1]) + text[where + 1 :]):
        try:
            read_state(damaged)
        except ValueError:
            continue
        raise AssertionError(damaged)


D = "d" * 64
