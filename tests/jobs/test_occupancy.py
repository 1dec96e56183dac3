from jobs.domain.flight import Flight
from jobs.occupancy import occupy
from tests.jobs.cast import FIRST, bundle, ready, seat


def fly(*bundles):
    flight = Flight()
    for sent in bundles:
        flight.add(sent)
    return flight


def test_what_was_sent_to_a_node_takes_its_slots():
    node = seat("spore-1")

    occupy([node], fly(bundle(ready(1)), bundle(ready(2), first=FIRST + 1)))

    assert node.in_flight == 2


def test_what_a_retired_agent_still_runs_takes_none():
    node = seat("spore-1", elders=1)

    occupy([node], fly(bundle(ready(1)), bundle(ready(2), first=FIRST + 1)))

    assert (node.in_flight, node.long_in_flight) == (1, 1)
