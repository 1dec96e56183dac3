"""How to call the command line from the terminal that reads it."""

import shutil
import sys
from pathlib import Path


def manage_py() -> str:
    """What to type before a command's name: `python manage.py`, with the Python that has Django."""
    python, here = Path(sys.executable), Path.cwd()
    if python == Path(shutil.which("python") or ""):
        return "python manage.py"
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shown} manage.py"
