"""Loads Python objects of tasks with `codec="pickle"`. The one place on our side that does.

What is loaded came in a signed bundle, or is named by its SHA-256 in one, and was submitted by a
caller who may: who may pickle may run any code here.
"""

import base64
import pickle
from typing import Any

from jobs.packing import MARK, is_packed


def unpack(value: Any) -> Any:
    """The object; of a list or of keywords, those that are in it. JSON stays as it is."""
    if is_packed(value):
        return pickle.loads(base64.b64decode(value[MARK]))  # noqa: S301  # nosec B301  # see above
    if isinstance(value, list):
        return [unpack(each) for each in value]
    if isinstance(value, dict):
        return {name: unpack(each) for name, each in value.items()}
    return value
