import threading

from ota.spore.messenger import Messenger
from ota.spore.nexus import NexusAway

SOON = 10


class Desk:
    """A Nexus that answers when it is let; it notes what it was told."""

    def __init__(self, *, away=0):
        self.told, self.away = [], away
        self.asked, self.may_answer = threading.Semaphore(0), threading.Event()

    def sync(self, body):
        self.told.append(body)
        self.asked.release()
        assert self.may_answer.wait(SOON)
        if self.away:
            self.away -= 1
            raise NexusAway("no route")
        return {"rev": len(self.told)}


def start(desk):
    woken = threading.Semaphore(0)
    return Messenger(desk, wake=woken.release, poll=3600), woken


def test_a_thousand_hints_are_one_more_question():
    desk = Desk()
    messenger, woken = start(desk)
    messenger.post({"n": 0}, now=True)
    assert desk.asked.acquire(timeout=SOON)

    for n in range(1, 1001):
        messenger.post({"n": n}, now=True)
    desk.may_answer.set()

    assert desk.asked.acquire(timeout=SOON)
    for _ in range(2):
        assert woken.acquire(timeout=SOON)
    assert [body["n"] for body in desk.told] == [0, 1000]
    assert messenger.collect() == [{"rev": 1}, {"rev": 2}]


def test_whoever_posts_never_waits_and_is_heard_once_the_nexus_is_back():
    desk = Desk(away=2)
    messenger, woken = start(desk)
    messenger.post({"n": 0}, now=True)
    assert desk.asked.acquire(timeout=SOON)
    messenger.post({"n": 1}, now=False)
    desk.may_answer.set()

    assert woken.acquire(timeout=SOON)

    assert [body["n"] for body in desk.told] == [0, 1, 1]
    assert messenger.reachable


def test_an_errand_is_done_although_nobody_asks_for_it():
    messenger, _ = start(Desk())
    done = threading.Event()

    messenger.send_off(done.set)

    assert done.wait(SOON)
