"""Where Redis is, as the environment or `hive up` says."""

from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env
from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis_login import has_login, with_login
from hive_site.redis_options import OFF, read_ca_file, read_redis_acl
from nodes.spore.pools import read_pool

#: `hive up` leaves the address of the Redis it started here, for the commands run beside it.
REDIS_ADDRESS_FILE = "run/redis_url"
RULE = (
    "give an address like redis://:password@127.0.0.1:6379/0,"
    " or redis+sentinel://:password@host1:26379,host2:26379/mymaster/0,"
    " with / # ? @ in a password as %2F %23 %3F %40"
)
WITH_TLS = {"rediss", "rediss+sentinel"}


def read_redis_url(env: Env, data: Path, *, spore: bool = False) -> str:
    """`REDIS_URL`, else the `REDIS_…` parts, else what `hive up` left in the data directory.

    A Spore of a pool comes in as that, unless the address says with what. With TLS it names the
    authorities of `HIVE_CA_FILE`, as redis-py takes them. Raises `ImproperlyConfigured`.
    """
    url = _read_address(env, data)
    return _vouched_for(_of_pool(url, env) if spore else url, read_ca_file(env))


def read_join_redis_url(env: Env) -> str:
    """How machines that join reach Redis, if not as we do. Raises `ImproperlyConfigured`."""
    return _read_url(env, "HIVE_JOIN_REDIS_URL")


def _read_address(env: Env, data: Path) -> str:
    url = _read_url(env, "REDIS_URL")
    left = data / REDIS_ADDRESS_FILE
    if not (url or env.text("REDIS_HOST")) and left.exists():
        return left.read_text().strip()
    if url:
        return url
    password = env.text("REDIS_PASSWORD")
    login = f":{quote(password, safe='')}@" if password else ""
    host = env.text("REDIS_HOST", "127.0.0.1")
    port = env.integer("REDIS_PORT", 6379, at_least=1, at_most=65535)
    return f"redis://{login}{host}:{port}/{env.integer('REDIS_DB', 0)}"


def _of_pool(url: str, env: Env) -> str:
    try:
        pool = read_pool(env.text("HIVE_POOL_KEY"))
    except Invalid as error:
        raise ImproperlyConfigured(str(error)) from error
    if pool is None or has_login(url) or read_redis_acl(env) == OFF:
        return url
    return with_login(url, *pool.login)


def _vouched_for(url: str, ca_file: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if parts.scheme not in WITH_TLS or not ca_file or "ssl_ca_certs" in query:
        return url
    return urlunsplit(parts._replace(query=urlencode({**query, "ssl_ca_certs": ca_file})))


def _read_url(env: Env, name: str) -> str:
    url = env.text(name)
    if url and not _is_redis_address(url):
        # Not its value: there is a password in it.
        raise ImproperlyConfigured(f"{name}: {RULE}")
    return url


def _is_redis_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.scheme.endswith("+sentinel"):
            return _is_of_sentinels(url)
        return parts.scheme == "unix" or (parts.scheme in {"redis", "rediss"} and parts.port != 0)
    except ValueError:  # what stands for a port is none
        return False


def _is_of_sentinels(url: str) -> bool:
    # Not above: a launcher reads settings, too, and must not carry what this takes along.
    from hive_site.kernel.sentinel import is_watched, read_watched

    return is_watched(url) and bool(read_watched(url))
