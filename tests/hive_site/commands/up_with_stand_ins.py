"""`hive up`, with stand-ins for the processes that it starts: the flags are the real ones."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from hive_site.stack import stack
from tests.hive_site.stack.cast import Cast

if __name__ == "__main__":
    data = Path(os.environ["HIVE_DATA_DIR"])
    os.environ["DIARY"] = str(data / "diary")
    stack.Recipes = Cast  # type: ignore[misc]
    execute_from_command_line(["manage.py", "hive", "up", *sys.argv[1:]])
