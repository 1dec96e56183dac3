"""A real launcher process with puppets for agents, and files for a Nexus and a stager.

As a program: runs the launcher of the theatre at the given place.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ota.domain.install.state import OWN, Slot, read_state
from tests.end_to_end.colony import until

PROJECT = Path(__file__).resolve().parents[3]
PUPPET = Path(__file__).with_name("puppet.py")
SOON = 20


def digest(version):
    return version[-1:] * 64


class FileDesk:
    """A Nexus that wants what lies in `answer.json`."""

    def __init__(self, place):
        self._place = place

    def sync(self, body):
        fresh = self._place / "report.new"
        fresh.write_text(json.dumps(body))
        fresh.replace(self._place / "report.json")
        try:
            return json.loads((self._place / "answer.json").read_text())
        except FileNotFoundError:
            return {"rev": 0, "order": "none"}


def stage(place):
    """The stager's main: what it was asked for lies in the theatre's wings."""
    request = json.loads(sys.stdin.read())
    release = request["release"]
    wing = place / "wings" / release["version"]
    if not wing.exists():
        sys.stdout.write(
            json.dumps({"failed": {"code": "download", "reason": "none", "permanent": True}}) + "\n"
        )
        sys.exit(1)
    name = f"dev-{release['seq']:06d}-{release['sha256'][:12]}"
    facts = {key: release[key] for key in ("version", "channel", "seq", "sha256")}
    more = {"floor": 0, "python": sys.executable, "task_modules": [], "tree": str(wing)}
    sys.stdout.write(json.dumps({"done": {"slot": name, **facts, **more}}) + "\n")


class Theatre:
    """A home with its launcher. `cast` makes versions, `want` wants one."""

    def __init__(self, place, **own):
        self.place = place
        self.rev = 0
        self.process = None
        for name in ("home/ota", "stage", "wings"):
            (place / name).mkdir(parents=True)
        self.cast("own", **own)

    def cast(self, version, **part):
        """A version whose agent plays this part."""
        tree = self.place / "wings" / version
        tree.mkdir(exist_ok=True)
        shutil.copy(PUPPET, tree / "manage.py")
        (tree / "part.json").write_text(json.dumps(part))

    def recast(self, version, **part):
        (self.place / "wings" / version / "part.json").write_text(json.dumps(part))

    def want(self, version, *, order="activate", **terms):
        """Have the Nexus want a version."""
        self.rev += 1
        release = {"sha256": digest(version), "version": version, "channel": "dev", "seq": 1}
        answer = {
            "rev": self.rev,
            "order": order,
            "release": None if order == "own" else {**release, "path": "p", "size": 1},
            "terms": {"probation": 0.1, "handover": 30, "deadline": 15, **terms},
        }
        fresh = self.place / "answer.new"
        fresh.write_text(json.dumps(answer))
        fresh.replace(self.place / "answer.json")

    def open(self, **env):
        """Start the launcher."""
        log = (self.place / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.ota.spore.theatre", str(self.place)],
            cwd=PROJECT,
            env={**os.environ, "STAGE": str(self.place / "stage"), **env},
            stderr=log,
        )
        return self

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        until(lambda: not self.agents(), what="the end of all puppets")

    def working(self):
        """The versions that take work now, one for each living agent."""
        found = []
        for mark in (self.place / "stage").glob("working-*"):
            _, version, pid = mark.name.split("-")
            if Path(f"/proc/{pid}").exists():
                found.append(version)
            else:
                mark.unlink(missing_ok=True)
        return found

    def finished(self):
        return [path.name.split("-")[1] for path in (self.place / "stage").glob("finished-*")]

    def incarnations(self):
        return {path.read_text() for path in (self.place / "stage").glob("working-*")}

    def agents(self):
        """The processes of all agents."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if any(str(self.place / "wings").encode() in word for word in words):
                found.append(int(path.parent.name))
        return found

    @property
    def report(self):
        try:
            return json.loads((self.place / "report.json").read_text())
        except FileNotFoundError:
            return {}

    @property
    def state(self):
        return read_state((self.place / "home" / "ota" / "state.json").read_bytes())

    def attempt(self):
        return (self.report.get("attempt") or {}).get("state")

    def wait_for(self, *versions, attempt=None):
        """Wait until just these versions work, and the Nexus was told so."""
        until(
            lambda: (
                sorted(self.working()) == sorted(versions)
                and (attempt is None or self.attempt() == attempt)
            ),
            within=SOON,
            what=f"{versions} at work, {attempt}; {self.working()}, {self.report}",
        )

    def end(self, signum=signal.SIGTERM):
        self.process.send_signal(signum)
        return self.process.wait(SOON)


def main(place):
    from ota.spore.agents import Recipe
    from ota.spore.launcher import Launcher
    from ota.spore.log import start_log
    from ota.spore.options import Options

    start_log("launcher")
    tree = str(place / "wings" / "own")
    options = Options(
        home=place / "home",
        own=Slot(OWN, "own", python=sys.executable, tree=tree),
        recipe=Recipe((), dict(os.environ)),
        desk=FileDesk(place),
        channels=("dev",),
        stager={},
        stager_env=dict(os.environ),
        stager_command=(sys.executable, "-m", "tests.ota.spore.theatre", str(place), "stage"),
        poll_seconds=0.05,
    )
    sys.exit(Launcher(options).run())


if __name__ == "__main__":
    where = Path(sys.argv[1])
    stage(where) if sys.argv[2:] else main(where)
