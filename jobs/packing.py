"""Python objects for tasks with `codec="pickle"`: `{"$pickle": base64}` in place of JSON.

Here they are only packed. Loading runs whatever the bytes say, so only a Spore does it
(jobs/spore/unpacking.py), and the program that submitted the job (jobs/client.py).
"""

import base64
import pickle
from typing import Any

MARK = "$pickle"
PROTOCOL = 5


def is_packed(value: Any) -> bool:
    """Whether a value holds an object."""
    return isinstance(value, dict) and value.keys() == {MARK} and isinstance(value[MARK], str)


def holds_packed(value: Any) -> bool:
    """Whether there is an object anywhere in a JSON value."""
    if isinstance(value, dict):
        return is_packed(value) or any(map(holds_packed, value.values()))
    return isinstance(value, list) and any(map(holds_packed, value))


def pack(value: Any) -> dict[str, str]:
    """The object as JSON. With cloudpickle installed, lambdas and local classes too.

    Raises what pickling raises for objects that have no pickle.
    """
    return {MARK: base64.b64encode(_dump(value)).decode()}


def pack_unpacked(value: Any) -> Any:
    """The value, packed if it is not yet."""
    return value if is_packed(value) else pack(value)


def _dump(value: Any) -> bytes:
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(value, protocol=PROTOCOL)
    return bytes(cloudpickle.dumps(value, protocol=PROTOCOL))
