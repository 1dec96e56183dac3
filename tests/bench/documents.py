"""A run as it is written down."""

from bench.figures import Figure, Spread
from bench.race import Line, Outcome
from bench.report import as_document
from tests.bench.cast import Obedient

METHOD = {
    "workers": 5,
    "repeats": 3,
    "quick": False,
    "python": "3.11.7",
    "packages": {"rq": "3.0.0"},
    "peers": {"huey": "3.5.4"},
    "redis": "6.2.14",
    "database": "SQLite 3.40.1",
    "cores": 2,
    "machine": "Linux x86_64",
    "cpu_used_by_others_percent": 38.0,
    "load_average": 1.1,
}
SIDES = [Obedient("hive"), Obedient("rq"), Obedient("huey")]
RATE = Figure("rate", "no-op map", "items/s", more_is_better=True, goal=5000, floor=3000)
LINE = Line(
    "map",
    "no-op map",
    RATE,
    {
        "hive": Spread(2900, 2800, 3100),
        "rq": Spread(145, 140, 150),
        "huey": Spread(1450, 1450, 1450),
    },
    {"hive": 10_000, "rq": 1_000, "huey": 10_000},
)
POST = Line(
    "post", "one POST", Figure("seconds", "", "s", goal=1), {"hive": Spread(0.5, 0.5, 0.5)}, {}
)
OUTCOME = Outcome(lines=[LINE, POST], failures=["payload: 3 of [4]"])
DOCUMENT = as_document(OUTCOME, SIDES, METHOD)
