"""Pools in a simulated world: they keep their bounds whatever happens, and come to rest."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.domain.scaling import Memory, decide
from nodes.domain.scaling_pictures import Load, Machine, Picture, Rules, Stage

HORIZON, AFTERWARDS = 1500, 400


@dataclass
class Box:
    """A machine of the simulation."""

    name: str
    born: float
    draining: bool = False
    tasks: int = 0


@dataclass
class World:
    """A pool of which each node has `slots`, and takes `delay` seconds to come."""

    rules: Rules
    slots: int
    delay: float
    boxes: list[Box] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    now: float = 0.0
    born: int = 0
    #: The size after each second, without what leaves.
    sizes: list[int] = field(default_factory=list)

    def ready(self) -> list[Box]:
        return [b for b in self.boxes if not b.draining and self.now - b.born >= self.delay]

    def stage(self, box: Box) -> Stage:
        if self.now - box.born < self.delay:
            return Stage.STARTING
        if box.draining:
            return Stage.DRAINING if box.tasks else Stage.DRAINED
        return Stage.READY

    def step(self, load: Load) -> None:
        seen = [
            Machine(b.name, self.stage(b), self.now - b.born, b.tasks / self.slots)
            for b in self.boxes
        ]
        picture = Picture(self.now, tuple(seen), load)
        decision, self.memory = decide(rules=self.rules, picture=picture, memory=self.memory)
        by_name = {box.name: box for box in self.boxes}
        for name in decision.drain:
            by_name[name].draining = True
        for name in decision.resume:
            by_name[name].draining = False
        gone = {*decision.remove, *decision.give_up}
        self.boxes = [box for box in self.boxes if box.name not in gone]
        for _ in range(decision.start):
            self.add()
        self.sizes.append(sum(not box.draining for box in self.boxes))
        self.now += 1

    def add(self) -> None:
        self.born += 1
        self.boxes.append(Box(f"n{self.born}", self.now))

    def hold(self, count: int, *, seconds: float) -> Load:
        """So many tasks that never end, placed where there is room; what waits of them."""
        left = count - sum(box.tasks for box in self.boxes)
        for box in self.ready():
            take = max(min(self.slots - box.tasks, left), 0)
            box.tasks += take
            left -= take
        size = left / self.slots
        return Load(left, self.now if left else 0.0, size, size * seconds, seconds)


@st.composite
def worlds(draw) -> World:
    least = draw(st.integers(0, 3))
    rules = Rules(
        minimum=least,
        maximum=draw(st.integers(max(least, 1), 8)),
        target_wait=draw(st.sampled_from([1.0, 5.0, 30.0])),
        calm=draw(st.sampled_from([10.0, 60.0])),
        cooldown=draw(st.sampled_from([0.0, 5.0, 20.0])),
    )
    world = World(rules, draw(st.integers(1, 4)), float(draw(st.integers(0, 20))))
    for _ in range(draw(st.integers(0, rules.maximum))):
        world.add()
    return world


@settings(max_examples=60)
@given(worlds(), st.integers(0, 40), st.sampled_from([0.1, 1.0, 600.0]))
def test_a_constant_number_of_long_tasks_gets_its_nodes_and_the_pool_comes_to_rest(
    world, tasks, seconds
):
    for _ in range(HORIZON + AFTERWARDS):
        world.step(world.hold(tasks, seconds=seconds))

    wanted = -(-tasks // world.slots)
    least = min(max(wanted, world.rules.minimum), world.rules.maximum)
    assert set(world.sizes[-AFTERWARDS:]) == {least}


@settings(max_examples=60)
@given(worlds(), st.floats(0, 30), st.sampled_from([0.05, 1.0, 20.0]))
def test_a_constant_stream_of_short_tasks_gets_its_nodes_and_the_pool_comes_to_rest(
    world, busy_slots, seconds
):
    most = world.rules.maximum * world.slots
    flow = min(busy_slots, most) / seconds
    # It begins late: a pool that is a hundredth too slow would be so after an hour only.
    queue = flow * (world.rules.target_wait + 1)
    for _ in range(HORIZON + AFTERWARDS):
        ready = world.ready()
        able = len(ready) * world.slots / seconds
        done = min(queue + flow, able)
        queue += flow - done
        share = done / able if able else 0.0
        for box in world.boxes:
            box.tasks = 0
        for box in ready:
            box.tasks = share * world.slots
        waiting = int(queue)
        size = waiting / world.slots
        oldest = queue / flow if waiting else 0.0
        world.step(Load(waiting, oldest, size, size * seconds, seconds))

    assert len(set(world.sizes[-AFTERWARDS:])) == 1
    assert world.sizes[-1] <= max(world.rules.minimum, most)


def test_a_load_that_comes_and_goes_teaches_the_pool_to_wait_longer():
    world = World(Rules(maximum=4, target_wait=5, calm=60, cooldown=5), slots=1, delay=3)
    period = 100
    for second in range(20 * period):
        for box in world.boxes:
            box.tasks = 0
        on = second % period < 10
        world.step(world.hold(4, seconds=600.0) if on else Load())

    early, late = world.sizes[: 4 * period], world.sizes[-12 * period :]
    assert min(early[period // 2 :]) < 4
    assert set(late) == {4}


stages = st.sampled_from(Stage)
machine_lists = st.lists(st.tuples(stages, st.floats(0, 1000), st.floats(0, 1)), max_size=12).map(
    lambda rows: tuple(Machine(f"n{i}", *row) for i, row in enumerate(rows))
)
loads = st.builds(
    Load,
    st.integers(0, 1000),
    st.floats(0, 1e5),
    st.floats(0, 1000),
    st.floats(0, 1e6),
    st.floats(0, 1e4),
)
looks = st.lists(st.tuples(st.floats(0, 100), machine_lists, loads, st.booleans()), max_size=30)
rule_sets = st.builds(
    lambda least, more, **rest: Rules(minimum=least, maximum=max(least + more, 1), **rest),
    st.integers(0, 4),
    st.integers(0, 6),
    target_wait=st.floats(0.1, 100),
    calm=st.floats(0, 300),
    cooldown=st.floats(0, 60),
    start_timeout=st.floats(1, 500),
)


@given(rule_sets, looks)
def test_whatever_it_sees_it_keeps_its_bounds(rules, seen):
    memory, now, started_at = Memory(), 0.0, None
    for seconds, machines, load, shaky in seen:
        now += seconds
        picture = Picture(now, machines, load, shaky=shaky)

        decision, memory = decide(rules=rules, picture=picture, memory=memory)

        stage = {machine.node: machine for machine in machines}
        active = picture.of(Stage.READY, Stage.STARTING)
        assert rules.minimum <= decision.wanted <= rules.maximum
        assert decision.start == 0 or len(machines) - len(decision.give_up) + decision.start <= (
            rules.maximum
        )
        assert len(decision.drain) <= 1
        assert not decision.drain or len(active) - 1 >= rules.minimum
        assert all(stage[name].stage is Stage.READY for name in decision.drain)
        assert all(stage[name].stage is Stage.DRAINED for name in decision.remove)
        assert all(stage[n].stage in (Stage.DRAINING, Stage.DRAINED) for n in decision.resume)
        assert all(
            stage[n].stage is Stage.STARTING and stage[n].age >= rules.start_timeout
            for n in decision.give_up
        )
        assert not (shaky and (decision.drain or decision.remove or decision.give_up))
        assert not (decision.drain and decision.start)
        if decision.start:
            assert started_at is None or now - started_at >= rules.cooldown
            started_at = now


@given(rule_sets, machine_lists, loads)
def test_a_doubtful_picture_changes_nothing(rules, machines, load):
    picture = Picture(1.0, machines, load, doubt="no list")

    decision, memory = decide(rules=rules, picture=picture, memory=Memory(wanted=3))

    assert memory == Memory(wanted=3)
    assert replace(decision, wanted=0, reason="") == type(decision)(0, "")
