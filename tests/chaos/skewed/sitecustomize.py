"""Python imports this first: it sets the clock of one process wrong, by what a file says.

Only what is asked through `time.time()` is wrong, which is how the machine side asks. The clocks
that measure spans stay right, as they do when an operator sets the time.
"""

import os
import time
from pathlib import Path

_right, _file = time.time, Path(os.environ["CHAOS_CLOCK"])
time.time = lambda: _right() + float(_file.read_text() or 0)
