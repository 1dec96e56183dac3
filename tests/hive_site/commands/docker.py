#!/usr/bin/env python3
"""Stands for `docker` on the PATH: notes what it is told, and answers as the real one does.

FAKE_DOCKER names a directory: `calls` is written there, `answers.json` says what goes wrong.
"""

import json
import os
import sys
from pathlib import Path

PLACE = Path(os.environ["FAKE_DOCKER"])
HELP = "Usage:  docker compose up [OPTIONS] [SERVICE...]\n      --wait-timeout int\n"
NO_ENGINE = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n"


def main(words: list[str]) -> int:
    told = json.loads((PLACE / "answers.json").read_text())
    with (PLACE / "calls").open("a") as calls:
        calls.write(json.dumps(words) + "\n")
    if told.get("plugin") is False:
        sys.stderr.write("docker: unknown command: docker compose\n")
        return 1
    if words[:1] == ["compose"]:
        words = words[1:]
    if words[:1] == ["--file"]:
        words = words[2:]
    match words:
        case ["version", *_]:
            print("Docker Compose version v2.40.3")
        case ["up", "--help"]:
            sys.stdout.write(HELP if told.get("waits", True) else "Usage: up\n")
        case ["ps", "-q"]:
            if told.get("engine") is False:
                sys.stderr.write(NO_ENGINE)
                return 1
        case ["up", *_]:
            print("Container hive-nexus-1  Started")
            return int(told.get("up", 0))
        case ["ps", *_]:
            rows = told["ps"].pop(0) if len(told["ps"]) > 1 else told["ps"][0]
            (PLACE / "answers.json").write_text(json.dumps(told))
            print("\n".join(map(json.dumps, rows)))
        case ["exec", *_]:
            if told.get("link") is None:
                sys.stderr.write("service nexus is not running\n")
                return 1
            print(json.dumps({"login_url": told["link"]}))
        case ["port", *_]:
            print(told.get("port", "127.0.0.1:8000"))
        case ["down", *_]:
            return int(told.get("down", 0))
        case _:
            sys.stderr.write(f"unknown command: {words}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
