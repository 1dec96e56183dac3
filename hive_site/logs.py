"""What every process says on stderr: events with fields, each a line or an object of JSON."""

import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import MutableMapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from hive_site.kernel.absence import absent
from hive_site.kernel.redaction import HIDDEN, is_secret, redact
from hive_site.kernel.subject import subject

with absent("rich"):  # for tracebacks in colours, which nobody gets from us
    import structlog

#: By their commands; what is not told apart works for the site.
PROCESSES = {"foreman": "foreman", "rqworker": "spore"}
LINE, JSON = FORMATS = ("line", "json")
#: A longer text loses its middle, of a longer list the rest is left out.
MOST_CHARS, MOST_TRACE_CHARS, MOST_INNER_CHARS = 4_000, 16_000, 400
MOST_ENTRIES, MOST_DEPTH = 100, 2
#: The rest of a name would break a line apart.
NO_NAME = re.compile(r"[^\w.-]")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
#: Whoever asks for more than usual wants it of the Hive, and not of every library: of the
#: database's that would be every statement with its values.
OURS = ("hive_site", "jobs", "nodes", "ota")
#: Libraries that bring their own handlers along.
TALKERS = ("django", "django.server", "uvicorn")
SERVER = "uvicorn.error"
#: uvicorn says so of each handshake of a socket that was refused with a reason, in order.
REFUSED = "ASGI callable returned without completing handshake."
#: Has handlers only if somebody asked for a line for each request.
ACCESS = "uvicorn.access"
#: What is said of files that WhiteNoise serves: they come from the apps and are small, and
#: nobody who reads a log could do anything about it.
FOR_PROGRAMMERS = {
    "django.core.handlers.base": "No directory at: ",
    "django.core.handlers.asgi": "StreamingHttpResponse must consume synchronous iterators",
}
Fields = MutableMapping[str, Any]
_print = structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False)


class Event(dict[str, Any]):
    """An event with its fields. Other people's handlers see a line of text."""

    def __str__(self) -> str:
        told = {name: value for name, value in self.items() if name != "exc_info"}
        return str(_print(None, "", tidy(None, "", told)))


def process_name(argv: Sequence[str]) -> str:
    """Who says it, in a line of the log."""
    return PROCESSES.get("".join(argv[1:2]), "nexus")


def logging_config(process: str, *, form: str = LINE, level: str = "info") -> dict[str, object]:
    """Django's LOGGING, one event a line on stderr; structlog writes through it from now on."""
    logging.captureWarnings(True)
    for module, message in FOR_PROGRAMMERS.items():
        warnings.filterwarnings("ignore", message, module=re.escape(module))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            add_subject,
            wrap,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    most = level.upper()
    quiet = max(logging.INFO, logging.getLevelNamesMapping()[most])
    wants_access = bool(logging.getLogger(ACCESS).handlers)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"hive": {"()": lambda: build_formatter(process, form=form)}},
        "filters": {"news": {"()": lambda: is_news}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "hive"}},
        "root": {"handlers": ["stderr"], "level": quiet},
        "loggers": {
            **({name: {"level": most} for name in OURS} if most == "DEBUG" else {}),
            **{name: {"handlers": [], "propagate": True} for name in TALKERS},
            ACCESS: {"handlers": [], "propagate": wants_access},
            SERVER: {"handlers": [], "propagate": True, "filters": ["news"]},
        },
    }


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line of the server says something that anybody could mend."""
    return record.msg != REFUSED


def log_crashes() -> None:
    """Have what nobody caught come out as an event like all else, not as lines of its own."""
    log = structlog.get_logger(__name__)

    def tell_end(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            log.critical("process.broke", exc_info=(kind, error, trace))

    def tell_thread(broken: threading.ExceptHookArgs) -> None:
        if broken.exc_type is not SystemExit and broken.exc_value is not None:
            name, about = broken.thread and broken.thread.name, broken.exc_traceback
            log.critical(
                "thread.broke", thread=name, exc_info=(broken.exc_type, broken.exc_value, about)
            )

    sys.excepthook, threading.excepthook = tell_end, tell_thread


def build_formatter(process: str, *, form: str) -> logging.Formatter:
    """Formats our own events and what libraries log alike."""
    steps = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        tidy,
    ]
    if form == JSON:
        # First, as they need the record; `tidy` keeps the order.
        head, steps, text = [Stamp(process)], [*steps, write_json], "%(message)s"
    else:
        head, steps = [], [*steps, _print]
        text = f"%(asctime)s {process} %(levelname)s %(message)s"
    return structlog.stdlib.ProcessorFormatter(
        fmt=text,
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, add_subject, name_library],
        processors=[*head, *steps],
    )


def wrap(logger: Any, name: str, event: Fields) -> tuple[tuple[Event], dict[str, Any]]:
    """The last step of structlog: hand the event to `logging`, with the exception that it tells."""
    extra = {"_logger": logger, "_name": name}
    return (Event(event),), {"extra": extra, "exc_info": event.get("exc_info")}


def add_subject(logger: Any, name: str, event: Fields) -> Fields:
    """Say what the process works on, unless the event does."""
    for field, value in subject().items():
        event.setdefault(field, value)
    return event


def name_library(logger: Any, name: str, event: Fields) -> Fields:
    """Say which library speaks."""
    event["logger"] = event["_record"].name
    return event


class Stamp:
    """Says when, how grave and who, before anything else."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, logger: Any, name: str, event: Fields) -> Fields:
        """The event with the three in front, and its name behind them."""
        record: logging.LogRecord = event["_record"]
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        stamp = {"timestamp": at.replace("+00:00", "Z"), "level": record.levelname.lower()}
        return {**stamp, "process": self._process, "event": event["event"], **event}


def tidy(logger: Any, name: str, event: Fields) -> Fields:
    """The event without secrets, and of bounded length."""
    return {NO_NAME.sub("_", field): _tidy(field, value) for field, value in event.items()}


def write_json(logger: Any, name: str, event: Fields) -> str:
    """One line of JSON, which any terminal and any parser takes."""
    return json.dumps(event, separators=(", ", ": "))


def _tidy(field: str, value: Any, depth: int = 0) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if is_secret(field):
        return HIDDEN
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if depth < MOST_DEPTH and isinstance(value, dict):
        some = list(value.items())[:MOST_ENTRIES]
        return {str(key): _tidy(str(key), each, depth + 1) for key, each in some}
    if depth < MOST_DEPTH and isinstance(value, list | tuple | set | frozenset):
        some = [_tidy("", each, depth + 1) for each in list(value)[:MOST_ENTRIES]]
        rest = len(value) - len(some)
        return [*some, f"… and {rest} more"] if rest else some
    most = MOST_INNER_CHARS if depth else MOST_CHARS
    return _shorten(_text(value), MOST_TRACE_CHARS if field == "exception" else most)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 whatever it is, what happened is told
        return f"a {type(value).__name__} that cannot be shown: {type(error).__name__}"


def _shorten(text: str, most: int) -> str:
    left_out = len(text) - most
    if len(text) > 8 * most:  # to look through all of it would take long
        text = text[: 4 * most] + text[-4 * most :]
    text = redact(text)  # before the last cut: half a secret is not known as one
    if len(text) > most:
        third = most // 3
        text = f"{text[:third]} … {left_out} characters … {text[third - most :]}"
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
