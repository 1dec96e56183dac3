"""A parent for tests that kill it: starts a stack of stand-ins, prints `ready`, waits."""

import json
import signal
import sys
from pathlib import Path

from tests.hive_site.stack.cast import stage

if __name__ == "__main__":
    stack = stage(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(stack.start()) + "\n")
    sys.stdout.flush()
    signal.pause()
