"""With what an address of Redis says one comes in."""

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

#: What may say so behind the `?`.
LOGIN = frozenset({"username", "password"})


def has_login(url: str) -> bool:
    """Whether the address names a user or a password."""
    parts = urlsplit(url)
    named = {name for name, _ in parse_qsl(parts.query)}
    return "@" in parts.netloc or bool(LOGIN & named)


def with_login(url: str, user: str, password: str) -> str:
    """The address, with this login and no other."""
    parts = urlsplit(without(url, LOGIN))
    place = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{place}"))


def without(url: str, names: frozenset[str]) -> str:
    """The address without these parameters."""
    parts = urlsplit(url)
    given = parse_qsl(parts.query)
    kept = [(name, value) for name, value in given if name not in names]
    if kept == given:  # nor is the way to a socket put together anew, which comes out otherwise
        return url
    return urlunsplit(parts._replace(query=urlencode(kept)))
