"""`python -m bench.picture FILE.json PICTURE.svg`: a run's document as bars beside each other."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from bench.environments import require_environment
from bench.panels import draw_up
from hive_site.configuration import PROJECT
from hive_site.kernel.errors import HiveError


def main(argv: list[str]) -> int:
    """0 if the picture was drawn; 1 if not."""
    parser = argparse.ArgumentParser(prog="bench.picture", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.json")
    parser.add_argument("picture", type=Path, metavar="PICTURE.svg")
    arguments = parser.parse_args(argv)
    narrator = Console(stderr=True, highlight=False)
    try:
        if not draw_up(json.loads(arguments.file.read_text())):
            raise HiveError(f"nothing in {arguments.file} belongs into the picture")
        with narrator.status("drawing") as status:
            programs = require_environment("picture", say=status.update)
    except (OSError, ValueError, HiveError) as fact:
        sys.stderr.write(f"bench.picture: {fact}\n")
        return 1
    argv = [str(programs / "python"), "-m", "bench.drawing"]
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        [*argv, str(arguments.file), str(arguments.picture)], env=env, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
