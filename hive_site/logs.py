"""One event a line on stderr, each with who says it."""

from collections.abc import Sequence

import structlog


def process_name(argv: Sequence[str]) -> str:
    """Who says it, in a line of the log."""
    return "foreman" if list(argv[1:2]) == ["foreman"] else "nexus"


def logging_config(process: str) -> dict[str, object]:
    """Django's LOGGING, one event a line on stderr; structlog writes through it from now on."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["event"], bool_as_flag=False),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": f"%(asctime)s {process} %(levelname)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
    }
