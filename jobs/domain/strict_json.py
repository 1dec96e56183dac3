"""JSON to the letter: Python alone would take NaN and more."""

import json
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse)


def check_json(text: Any) -> None:
    """Raises unless the text is JSON. It is quoted as it is in bundles that we sign, and a
    node must not get more said there than a value."""
    text.encode()  # a lone surrogate would poison the whole transaction
    _decoder.decode(text)
