"""The programs of an operator who keeps machines as files in the directory of his argument."""

import json
import sys
import time
from pathlib import Path

verb, folder, told = sys.argv[1], Path(sys.argv[2]), json.load(sys.stdin)
if (folder / "broken").exists():
    sys.exit("no quota is left")
if (folder / "slow").exists():
    time.sleep(60)
if (folder / "talkative").exists():
    while True:
        sys.stdout.write("x" * 65536)
if (folder / "odd").exists():
    sys.exit(sys.stdout.write((folder / "odd").read_text()) * 0)
place = folder / told["pool"]
place.mkdir(exist_ok=True)
match verb:
    case "start":
        for node in told["nodes"]:
            (place / node["name"]).write_text(json.dumps({**told, "node": node}))
    case "stop":
        (place / told["instance"]["id"]).unlink(missing_ok=True)
    case "list":
        rows = [
            {"id": p.name, "node": p.name, "started_at": p.stat().st_mtime} for p in place.iterdir()
        ]
        json.dump({"instances": rows}, sys.stdout)
