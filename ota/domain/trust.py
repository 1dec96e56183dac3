"""Whose word is taken for a release. The roles, how long their word holds, and what refuses it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

ROOT, TARGETS, DEV, SNAPSHOT, TIMESTAMP = "root", "targets", "dev", "snapshot", "timestamp"
#: Their keys lie on the Nexus, whoever the operator is.
ONLINE = (DEV, SNAPSHOT, TIMESTAMP)
#: Their keys belong on an operator's machine.
OFFLINE = (ROOT, TARGETS)
LIFETIMES = {
    ROOT: timedelta(days=730),
    TARGETS: timedelta(days=365),
    DEV: timedelta(days=30),
    SNAPSHOT: timedelta(days=30),
    TIMESTAMP: timedelta(days=7),
}
#: What is signed for FILE.zip lies beside it, in FILE.zip.targets.json.
SUFFIX = ".targets.json"
#: When to ask an operator for a new signature; the Nexus renews its own at half of their life.
WARN_BEFORE = timedelta(days=60)
PATH = re.compile(r"(?P<channel>dev|stable)/hive-(?P<seq>[0-9]{6,9})-(?P<version>[^/]+)\.zip")


class Untrusted(Exception):
    """Signed metadata, or what they should vouch for, were refused.

    `code` is one of: signature, expired, rollback, mismatch, unknown_target, malformed.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Role:
    """Who may speak for one part of the metadata, and until when what they said holds."""

    name: str
    #: Ids of its keys; `here` are those whose private half lies on the Nexus.
    keys: tuple[str, ...]
    here: tuple[str, ...]
    threshold: int
    version: int
    expires: datetime
    #: What people should do about it; empty if all is well.
    alarm: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What the path of a package says."""

    channel: str
    seq: int
    version: str

    @classmethod
    def read(cls, path: str) -> "Target":
        """The parts of a path. Raises `Untrusted`."""
        found = PATH.fullmatch(path)
        if found is None:
            rule = "a package is called CHANNEL/hive-SEQ-VERSION.zip"
            raise Untrusted("unknown_target", f"{path!r}: {rule}")
        target = cls(found["channel"], int(found["seq"]), found["version"])
        if target.path != path:
            raise Untrusted("unknown_target", f"{path!r} should be {target.path!r}")
        return target

    @property
    def path(self) -> str:
        """What the package is called in the metadata."""
        return f"{self.channel}/hive-{self.seq:06d}-{self.version}.zip"


def half_spent(name: str, expires: datetime, now: datetime) -> bool:
    """A role's metadata have lived for half of their life, or longer."""
    return now >= expires - LIFETIMES[name] / 2


def alarm_of(role: Role, now: datetime) -> str:
    """What people should do about a role; empty if all is well."""
    if role.expires <= now:
        return f"expired at {role.expires:%Y-%m-%d %H:%M}Z: {_remedy(role)}"
    if role.name in OFFLINE:
        if role.here:
            return (
                "its key lies on the Nexus, so whoever takes the Nexus signs releases: "
                "`ota keys init --dir KEYS` moves trust to keys of yours"
            )
        late = role.expires - WARN_BEFORE <= now
        return f"expires at {role.expires:%Y-%m-%d}: {_remedy(role)}" if late else ""
    if len(role.here) < role.threshold:
        return "the Nexus lacks its key: `ota keys rotate` replaces it"
    # A minute's grace: the Foreman looks once a minute.
    late = half_spent(role.name, role.expires, now - timedelta(minutes=10))
    return f"should have been signed anew: {_remedy(role)}" if late else ""


def _remedy(role: Role) -> str:
    if role.name in OFFLINE:
        return f"`ota keys rotate {role.name} --dir KEYS` signs it anew"
    return "the Foreman signs it; is one running?"
