"""`python -m bench.live`: what the live socket costs, and how soon viewers are told.

A thousand nodes that are drawn anew each second and a job of 100,000 subtasks of which 2,000 a
second change, both played; a real Redis, a real database, a real Nexus; one viewer and then twenty,
over real sockets, who watch the figures, all nodes, all jobs and that job.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from threading import Event
from typing import Any

import psutil

from bench.figures import percentile
from bench.ground import open_ground
from bench.nexus import HOST, Nexus, open_nexus
from hive_site.configuration import PROJECT
from hive_site.kernel.redis import connect

VIEWERS, SECONDS, LOOKS = 20, 20.0, 30
GOALS = {"encode_ms": 50.0, "commands_per_viewer": 0.0}


@contextlib.contextmanager
def open_stage() -> Iterator[tuple[Any, Nexus]]:
    """Puppets that play, and a Nexus before them; nothing of it is left afterwards."""
    with contextlib.ExitStack() as leave:
        place, _ = leave.enter_context(open_ground())
        from bench.puppets import Puppets

        puppets = Puppets(connect(place.redis_url, name="hive-bench"))
        nexus = leave.enter_context(open_nexus())
        leave.callback(puppets.stop)
        puppets.start()
        yield puppets, nexus


def measure_crowd(puppets: Any, nexus: Nexus, count: int, seconds: float) -> dict[str, float]:
    """What so many viewers cost the Nexus and Redis, and how late they are told."""
    argv = [sys.executable, "-m", "bench.crowd", str(count), str(seconds)]
    argv += [str(nexus.port), nexus.key, puppets.job]
    process = psutil.Process(nexus.pid)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=PROJECT) as crowd:
        assert crowd.stdout
        if crowd.stdout.readline().strip() != "ready":
            raise SystemExit("bench: the viewers were not told anything")
        cpu, asked, begun = _cpu(process), _asked(puppets), time.monotonic()
        time.sleep(seconds - 1)
        lasted = time.monotonic() - begun
        cpu, asked = _cpu(process) - cpu, _asked(puppets) - asked
        told = json.loads(crowd.stdout.readline())
    late = [at - puppets.committed[n] for n, at in told["heard"] if n in puppets.committed]
    return {
        "nexus_cpu_percent": 100 * cpu / lasted,
        "redis_commands_per_second": asked.total() / lasted,
        "bytes_per_second": told["bytes_per_second"],
        "texts_per_second": told["texts_per_second"],
        **_spread("node_lag_ms", told["lags"]),
        **_spread("job_lag_ms", late),
    }


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _asked(puppets: Any) -> Counter[str]:
    """What Redis was asked so far, but for what the puppets asked, and this question."""
    stats = puppets._client.info("commandstats")
    asked = Counter({name.removeprefix("cmdstat_"): row["calls"] for name, row in stats.items()})
    return asked - puppets.sent - Counter(info=asked["info"])


def measure_looks(puppets: Any) -> dict[str, dict[str, float]]:
    """Milliseconds that a look at each topic takes, and the text about what is new of it.

    Looks as they last in the midst of it all; texts by the processor time that they take.
    """
    import hive_site.urls  # noqa: F401 (the Nexus has all that by then)
    from hive_site.live.board import Board
    from hive_site.live.topics import open_topic
    from nodes.picture import look

    names = ["figures", "nodes", "node:node-0000", "jobs", f"job:{puppets.job}", "needs"]
    boards = {name: Board(name, open_topic(name)) for name in [*names, "rollouts"]}
    took: dict[str, dict[str, list[float]]] = {name: {"look": [], "encode": []} for name in boards}
    places: dict[str, Any] = dict.fromkeys(boards)
    for _ in range(LOOKS):
        picture, now = look(), time.time()
        for name, board in boards.items():
            begun = time.perf_counter()
            seen = board.topic.sketch(picture, now) or board.topic.read(picture, now)
            board.write(seen)
            looked, spent = time.perf_counter(), time.thread_time()
            if news := board.news(places[name]):
                places[name] = news[1]
            took[name]["look"].append(looked - begun)
            took[name]["encode"].append(time.thread_time() - spent)
        time.sleep(0.5)
    return {
        name: {**_spread("look_ms", each["look"]), **_spread("encode_ms", each["encode"])}
        for name, each in took.items()
    }


def _spread(name: str, seconds: list[float]) -> dict[str, float]:
    found = [1000 * one for one in seconds]
    if not found:
        return {}
    return {
        f"{name}_p50": percentile(found, 0.5),
        f"{name}_p99": percentile(found, 0.99),
        f"{name}_max": max(found),
    }


def print_figures(title: str, figures: dict[str, float]) -> None:
    """Some figures under a title."""
    print(title)
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):32} {value:12,.1f}")


def keep(nexus: Nexus, puppets: Any) -> None:
    """Say where it is, and go on until Ctrl-C: for who measures pages."""
    from nodes.login_links import make_login_link

    url = f"http://{HOST}:{nexus.port}"
    print(json.dumps({"url": url, "login": make_login_link(url), "job": puppets.job}), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()


def main(argv: list[str]) -> int:
    """0 if all goals were met."""
    parser = argparse.ArgumentParser(prog="bench.live", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each crowd")
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    parser.add_argument("--keep", action="store_true", help="measure nothing: print the address")
    options = parser.parse_args(argv)
    with open_stage() as (puppets, nexus):
        if options.keep:
            keep(nexus, puppets)
            return 0
        one = measure_crowd(puppets, nexus, 1, options.seconds)
        many = measure_crowd(puppets, nexus, options.viewers, options.seconds)
        topics = measure_looks(puppets)
    figures = {"one": one, "many": many, "topics": topics}
    goals = {
        "encode_ms": max(each["encode_ms_max"] for each in topics.values()),
        "commands_per_viewer": max(
            round(many["redis_commands_per_second"] - one["redis_commands_per_second"]), 0
        ),
    }
    if options.json:
        print(json.dumps({**figures, "goals": goals}, indent=2))
    else:
        print_figures("one viewer", one)
        print_figures(f"{options.viewers} viewers", many)
        for name, each in topics.items():
            print_figures(name.partition(":")[0], each)
    return 0 if all(value <= GOALS[name] for name, value in goals.items()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
