"""Packages that only some providers need."""

import importlib
from typing import Any

from hive_site.kernel.errors import HiveError

#: The package to install for each module; the versions are those of requirements-extras.txt.
PACKAGES = {"docker": "docker", "kubernetes": "kubernetes", "boto3": "boto3"}


def require(module: str) -> Any:
    """The module. Raises `HiveError` that says how to get it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        way = f"pip install {PACKAGES[module]}, in the version of requirements-extras.txt"
        raise HiveError(f"this provider needs the package {PACKAGES[module]}: {way}") from error
