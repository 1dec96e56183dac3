"""The settings that Nexus and Spore share, read once from the environment.

CONTRACT §3 names every variable; this is the only module that reads them.
"""

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.observing import Observing, read_observing
from hive_site.pool_text import read_pool_text
from hive_site.redis_address import read_join_redis_url, read_redis_url
from hive_site.redis_options import read_ca_file, read_redis_acl, read_redis_pools

PROJECT = Path(__file__).resolve().parent.parent
SQLITE_FILE = "hive.sqlite3"
#: What one job may ask for (jobs/validation.py), and so the most that can be its default.
MAX_TIMEOUT_SECONDS, MAX_RETRIES = 30 * 24 * 3600, 1000
#: How much work of short subtasks travels together (jobs/domain/bundles.py).
BUNDLE_SECONDS = 0.05
#: A hundred years: "for ever" to people, and still a time to Python.
MAX_TTL_SECONDS = 100 * 365 * 86400
#: What is longer is no message any more (jobs/domain/bundles.py).
MAX_INLINE_KB = 1024
#: Thirty days: long enough to count, and not for ever should the certificate go.
HSTS_SECONDS = 30 * 86400


@dataclass(frozen=True)
class Options:
    """Everything of the Hive that can be set. Times are in seconds."""

    enabled: bool
    data: Path
    redis_url: str
    database_pool: int
    high_priority_queue: str
    background_queue: str
    broadcast_channel: str
    task_timeout: int
    max_retries: int
    zombie_timeout: int
    result_ttl: int
    job_ttl: int
    audit_ttl: int
    inline_kb: int
    bundle_seconds: float
    node_cache_mb: int
    nexus_url: str
    task_modules: list[str]
    weights: tuple[float, float, float]
    llm_url: str
    llm_model: str
    llm_key: str
    allow_private_addresses: bool
    slot_memory_mb: int
    least_disk_mb: int
    api_rate: str
    redis_acl: str
    redis_pools: list[str]
    join_redis_url: str
    ca_file: str
    pulse: Path | None
    autoscale: str
    observing: Observing
    hsts_seconds: int

    @property
    def inline_bytes(self) -> int:
        """The longest JSON text that is kept in a row and sent in a bundle."""
        return self.inline_kb * 1024

    @property
    def queues(self) -> tuple[str, str]:
        """The two queues of waiting work, the preferred one first."""
        return self.high_priority_queue, self.background_queue


def read_options(env: Env, *, spore: bool = False) -> Options:
    """The options in `env`; raises `ImproperlyConfigured` with the name of a wrong one.

    `spore` if they are those of a Spore, which comes into Redis as its pool does.
    """
    data = read_data_dir(env)
    preferred = _queue_name(env, "HIVE_HIGH_PRIORITY_QUEUE", "high_priority")
    background = _queue_name(env, "HIVE_BACKGROUND_QUEUE", "background")
    if preferred == background:
        rule = "give it another name than HIVE_HIGH_PRIORITY_QUEUE"
        raise ImproperlyConfigured(f"HIVE_BACKGROUND_QUEUE={background!r}: {rule}")
    return Options(
        enabled=env.flag("ENABLE_HIVE", True),
        data=data,
        redis_url=read_redis_url(env, data, spore=spore),
        database_pool=env.integer("HIVE_DATABASE_POOL", 20, at_most=1000),
        high_priority_queue=preferred,
        background_queue=background,
        broadcast_channel=env.text("HIVE_BROADCAST_CHANNEL", "hive:broadcast"),
        task_timeout=env.integer("HIVE_TASK_TIMEOUT", 300, at_least=1, at_most=MAX_TIMEOUT_SECONDS),
        max_retries=env.integer("HIVE_MAX_RETRIES", 3, at_most=MAX_RETRIES),
        zombie_timeout=_ttl(env, "HIVE_ZOMBIE_TASK_TIMEOUT", 600),
        result_ttl=_ttl(env, "HIVE_RESULT_TTL", 86400),
        job_ttl=_ttl(env, "HIVE_JOB_TTL", 30 * 86400),
        audit_ttl=_ttl(env, "HIVE_AUDIT_TTL", 365 * 86400),
        inline_kb=env.integer("HIVE_INLINE_KB", 64, at_least=1, at_most=MAX_INLINE_KB),
        bundle_seconds=env.number("HIVE_BUNDLE_SECONDS", BUNDLE_SECONDS, at_most=10),
        node_cache_mb=env.integer("HIVE_NODE_CACHE_MB", 512),
        nexus_url=read_nexus_url(env),
        task_modules=_modules(env, "HIVE_TASK_MODULES"),
        weights=env.weights("HIVE_WEIGHTS", "0.4,0.3,0.3"),
        llm_url=_web_address(env, "HIVE_LLM_URL", ""),
        llm_model=env.text("HIVE_LLM_MODEL"),
        llm_key=env.text("HIVE_LLM_KEY"),
        allow_private_addresses=env.flag("HIVE_ALLOW_PRIVATE_ADDRESSES", False),
        slot_memory_mb=env.integer("HIVE_SLOT_MEMORY_MB", 0),
        least_disk_mb=env.integer("HIVE_LEAST_DISK_MB", 200),
        api_rate=_rate(env, "HIVE_API_RATE", "3000 per 10 seconds"),
        redis_acl=read_redis_acl(env),
        redis_pools=read_redis_pools(env),
        join_redis_url=read_join_redis_url(env),
        ca_file=read_ca_file(env),
        pulse=read_pulse_path(env),
        autoscale=read_pool_text(env),
        observing=read_observing(env),
        hsts_seconds=env.integer("HIVE_HSTS_SECONDS", HSTS_SECONDS, at_most=MAX_TTL_SECONDS),
    )


def read_data_dir(env: Env) -> Path:
    """Where everything of this machine's Hive lies."""
    return Path(env.text("HIVE_DATA_DIR", "var")).expanduser().absolute()


def read_nexus_url(env: Env) -> str:
    """Where the Nexus answers. Raises `ImproperlyConfigured`."""
    return _web_address(env, "HIVE_NEXUS_URL", "http://127.0.0.1:8000")


def read_pulse_path(env: Env) -> Path | None:
    """The file in which Foreman and Spore leave signs of life, if anybody looks for them."""
    return Path(path) if (path := env.text("HIVE_PULSE")) else None


def sqlite_url(data: Path) -> str:
    """The database of a Hive that was given none; its directory may be called anything."""
    return f"sqlite:///{quote(str(data / SQLITE_FILE))}"


def make_data_dir(data: Path) -> None:
    """The data directory with its database file, for the owner only where they are new.

    Raises `ImproperlyConfigured` if that cannot be.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / SQLITE_FILE).touch(mode=0o600)
    except OSError as error:
        rule = "give a directory that can be written"
        raise ImproperlyConfigured(f"HIVE_DATA_DIR={data}: {error.strerror}; {rule}") from error


def project_version() -> str:
    """The version of this project, which runs wherever no release was rolled out."""
    text = (PROJECT / "pyproject.toml").read_text()
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return found.group(1) if found else "0"


def _queue_name(env: Env, name: str, default: str) -> str:
    value = env.text(name, default)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ImproperlyConfigured(f"{name}={value!r}: give letters, digits, - and _ (64 at most)")
    return value


def _ttl(env: Env, name: str, default: int) -> int:
    return env.integer(name, default, at_least=1, at_most=MAX_TTL_SECONDS)


def _web_address(env: Env, name: str, default: str) -> str:
    value = env.text(name, default)
    if value and not re.match(r"https?://[^/]", value):
        raise ImproperlyConfigured(f"{name}={value!r}: give an address like http://host:8000")
    return value


def _rate(env: Env, name: str, default: str) -> str:
    """A rate; empty for none."""
    value = env.text(name, default)
    if value == "0":
        return ""
    if value == default:
        return value
    # Not above: a launcher reads a few of these, and must not carry what this takes along.
    from hive_site.kernel.limits import parse_rate

    try:
        parse_rate(value)
    except ValueError as error:
        rule = "give a rate like 100/second or 3000 per 10 seconds, or 0 for none"
        raise ImproperlyConfigured(f"{name}={value!r}: {rule}") from error
    return value


def _modules(env: Env, name: str) -> list[str]:
    """Names of modules that are there; what they do when imported is another question."""
    modules = env.listing(name)
    for module in modules:
        try:
            found = find_spec(module)
        except (ImportError, ValueError):
            found = None
        if found is None:
            rule = "there is no such module; give names like myapp.tasks, with commas between"
            raise ImproperlyConfigured(f"{name}={module!r}: {rule}")
    return modules


def find_fleet_key(env: Env, data: Path) -> str:
    """The master key from which node keys are derived, if this machine may know it; else empty."""
    local = data / "secrets" / "fleet_key"
    given = env.text("HIVE_FLEET_KEY")
    return given or (local.read_text().strip() if local.exists() else "")


def django_tasks_config(env: Env, **options: str) -> dict[str, dict[str, object]]:
    """Django's TASKS: what is enqueued here, or defined to be enqueued elsewhere, is the Hive's."""
    backend = {"BACKEND": "jobs.django_tasks.HiveBackend", "QUEUES": [], "OPTIONS": options}
    return {alias: dict(backend) for alias in env.listing("HIVE_TASK_BACKENDS", "default")}
