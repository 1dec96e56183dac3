"""One event a line on stderr, as the other processes of the Hive write them."""

import logging
import sys
from typing import Any

_log = logging.getLogger("launcher")


def start_log(process: str) -> None:
    """Let this process's events be seen."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {process} %(levelname)s %(message)s"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


def tell(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Something happened. Texts with blanks are quoted."""
    words = [f"event={event}", *(f"{name}={_quote(value)}" for name, value in fields.items())]
    _log.log(level, " ".join(words))


def _quote(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return f'"{text}"' if " " in text else text
