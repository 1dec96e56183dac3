"""What a process tells those who watch over it: settings of its log, its spans and its errors."""

from dataclasses import dataclass, field
from importlib.util import find_spec

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env

LOG_FORMATS = ("line", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
#: What has to be installed for it, by the name under which it is imported.
TRACING_NEEDS = {
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}
SENTRY_NEEDS = {"sentry_sdk": "sentry-sdk"}


@dataclass(frozen=True)
class Observing:
    """How a process is watched."""

    log_format: str
    log_level: str
    tracing: bool
    sentry_dsn: str = field(repr=False)


def read_observing(env: Env) -> Observing:
    """The options in `env`; raises `ImproperlyConfigured` with the name of a wrong one."""
    tracing, dsn = env.flag("HIVE_TRACING", False), env.text("SENTRY_DSN")
    if tracing:
        _require("HIVE_TRACING=true", TRACING_NEEDS)
    if dsn:
        _require("SENTRY_DSN", SENTRY_NEEDS)
        _check_dsn(dsn)
    return Observing(
        log_format=read_log_format(env),
        log_level=env.choice("HIVE_LOG_LEVEL", "info", LOG_LEVELS),
        tracing=tracing,
        sentry_dsn=dsn,
    )


def read_log_format(env: Env) -> str:
    """`line` or `json`; raises `ImproperlyConfigured` for another word."""
    return env.choice("HIVE_LOG_FORMAT", "line", LOG_FORMATS)


def _require(setting: str, packages: dict[str, str]) -> None:
    missing = [package for module, package in packages.items() if not _is_there(module)]
    if missing:
        way = "pip install -r requirements-extras.txt"
        raise ImproperlyConfigured(f"{setting}: needs {' and '.join(missing)}; {way}")


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


def _check_dsn(dsn: str) -> None:
    from sentry_sdk.utils import BadDsn, Dsn

    try:
        Dsn(dsn)
    except BadDsn as error:
        # Not its value: old ones hold a secret.
        rule = "give the address that Sentry shows for the project, like https://KEY@HOST/NUMBER"
        raise ImproperlyConfigured(f"SENTRY_DSN: {rule}") from error


def start_observing(process: str, options: Observing, *, release: str, node: str = "") -> None:
    """Have this process tell its spans and its errors, if anybody wants them.

    Raises `ImproperlyConfigured` if what tells them does not take its own settings."""
    if options.log_format == "json":
        from hive_site.logs import log_crashes

        log_crashes()
    if options.tracing:
        from hive_site.kernel import tracing
        from hive_site.opentelemetry import check_settings, tracer_of

        check_settings()  # or it shows at the first span, in the middle of something
        tracing.arm(tracer_of(process, release=release, node=node))
    if options.sentry_dsn:
        from hive_site.sentry import start_sentry

        start_sentry(process, dsn=options.sentry_dsn, release=release, node=node)
