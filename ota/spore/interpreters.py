"""What a Python on this machine is, so that releases and wheels can be chosen for it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import sys_tags

from ota.spore.failures import Failed

ANSWER_SECONDS = 20
QUESTION = """
import json, platform, sys
from packaging.tags import sys_tags
told = [platform.python_version(), sys.implementation.cache_tag, [str(t) for t in sys_tags()]]
print(json.dumps(told))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python: its program, version, ABI ("cpython-311"), and the wheels it takes, best first."""

    path: str
    version: str
    abi: str
    tags: tuple[str, ...]

    @classmethod
    def of(cls, path: str) -> "Interpreter":
        """The Python at this path. Raises `Failed` with code "python" if it does not answer."""
        if os.path.abspath(path) == os.path.abspath(sys.executable):
            return cls(path, _own_version(), _own_abi(), tuple(str(tag) for tag in sys_tags()))
        try:
            answer = subprocess.run(
                [path, "-I", "-c", QUESTION],
                capture_output=True,
                text=True,
                timeout=ANSWER_SECONDS,
                check=True,
            )
            version, abi, tags = json.loads(answer.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as fact:
            raise Failed("python", f"{path} is no Python that can be used: {fact}") from None
        return cls(path, version, abi, tuple(tags))


def is_usable(path: str) -> bool:
    """Whether there is a program at this path."""
    return Path(path).is_file() and os.access(path, os.X_OK)


def _own_version() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _own_abi() -> str:
    return sys.implementation.cache_tag or sys.implementation.name
