"""An agent for tests of the launcher: speaks its protocol, does no work, and fails as it is told.

It is copied into a tree as `manage.py`; `part.json` beside it says what it plays. What it does is
seen in the directory `STAGE`: a file `working-VERSION-PID` while it takes work.
"""

import json
import os
import select
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
STAGE = Path(os.environ["STAGE"])
PART = json.loads((HERE / "part.json").read_text())
READER, WRITER = map(int, os.environ["HIVE_LAUNCHER_FDS"].split(","))
STEP_SECONDS = 0.02


def say(**message):
    os.write(WRITER, json.dumps(message).encode() + b"\n")


def hear():
    """What the launcher said within a moment; ends with it."""
    if not select.select([READER], [], [], STEP_SECONDS)[0]:
        return {}
    data = os.read(READER, 65536)
    if not data:
        os._exit(9)
    said = {}
    for line in data.splitlines():
        said |= json.loads(line)
    return said


def fail(how):
    if how == "exit 0":
        os._exit(0)
    sys.stderr.write(f"Traceback\nBroken: {how}\n")
    os._exit(1)


class Puppet:
    def __init__(self):
        self.version = os.environ.get("HIVE_RELEASE", "own")
        self.mark = STAGE / f"working-{self.version}-{os.getpid()}"
        self.incarnation = os.environ.get("HIVE_INCARNATION") or f"i{os.getpid()}"
        self.since = None

    def play(self):
        if PART.get("preflight"):
            fail(PART["preflight"])
        gated = os.environ.get("HIVE_GATE") == "1"
        if not PART.get("mute"):
            say(ready={"tasks": "digest", "count": 1, "release": self.version})
            (STAGE / f"ready-{self.version}").touch()
        while gated:
            said = hear()
            if "retire" in said:
                say(retired={})
                os._exit(0)
            gated = "go" not in said
        self.work(probed=os.environ.get("HIVE_GATE") == "1")

    def work(self, *, probed):
        self.mark.write_text(self.incarnation)
        self.since = time.monotonic()
        say(live={"incarnation": self.incarnation})
        probe = PART.get("probe", "ok")
        if probed and probe != "none":
            say(probe={"ok": probe == "ok", "release": self.version, "reason": probe})
        while True:
            said = hear()
            if "retire" in said:
                self.retire()
            if PART.get("crash_at") and (STAGE / PART["crash_at"]).exists():
                self.mark.unlink()
                fail("crashed")
            after = PART.get("crash_after")
            if after is not None and time.monotonic() - self.since >= after:
                self.mark.unlink()
                fail(PART.get("how", "crashed"))

    def retire(self):
        self.mark.unlink()
        if PART.get("deaf"):
            while True:
                hear()
        say(retired={"bundles": ["b1"] if PART.get("long") else []})
        while PART.get("long") and not (STAGE / "finish").exists():
            hear()
        (STAGE / f"finished-{self.version}-{os.getpid()}").touch()
        os._exit(0)


def goodbye(puppet):
    say(leaving={"why": "signal"})
    puppet.mark.unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    import signal

    puppet = Puppet()
    signal.signal(signal.SIGTERM, lambda *_: goodbye(puppet))
    puppet.play()
