"""One event a line on stderr, as the other processes of the Hive write them."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_log = logging.getLogger("launcher")


def start_log(process: str, *, form: str = "line") -> None:
    """Let this process's events be seen, each as a line or as an object of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter(f"%(asctime)s {process} %(levelname)s %(message)s")
    handler.setFormatter(_Json(process) if form == "json" else plain)
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.propagate = False


def tell(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Something happened. Texts with blanks are quoted."""
    words = [f"event={event}", *(f"{name}={_quote(value)}" for name, value in fields.items())]
    _log.log(level, " ".join(words), extra={"fields": {"event": event, **fields}})


class _Json(logging.Formatter):
    """As hive_site/logs.py writes it, which takes more memory than a launcher has."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {
            "timestamp": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "process": self._process,
            **getattr(record, "fields", {"event": record.getMessage()}),
        }
        return json.dumps(told, default=str)


def _quote(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return f'"{text}"' if " " in text else text
