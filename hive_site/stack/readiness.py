"""Whether the stack's parts answer, asked from outside, as a user would."""

import json
import socket
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

import urllib3
from redis import Redis

from hive_site.kernel.errors import Invalid
from hive_site.kernel.redis import RedisError
from nodes import wire
from nodes.domain.states import PRESENT

ASK_SECONDS = 2.0


def require_free_port(host: str, port: int) -> None:
    """Nothing if the Nexus can listen there (0: on any port). Raises `Invalid` with the way out."""
    where = f"{host}:{port}"
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Invalid(
            f"cannot listen on {where}: {reason}; give another --port or --host", field="port"
        ) from error


def site_answers(nexus_url: str) -> bool:
    """Whether the Nexus says that it is ready."""
    try:
        answer = urllib3.request("GET", f"{nexus_url}/readyz", timeout=ASK_SECONDS, retries=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return False
    return answer.status == HTTPStatus.OK


@dataclass(frozen=True)
class RollCall:
    """Which Spores the Foreman has heard since a moment of Redis's clock."""

    client: Redis
    since: float

    @classmethod
    def begin(cls, client: Redis) -> "RollCall":
        """Count from now on: the picture that an earlier run left does not count."""
        seconds, micros = client.time()
        return cls(client, seconds + micros / 1e6)

    def present(self) -> set[str]:
        """The names of the nodes that are there."""
        try:
            text = self.client.get(wire.SNAPSHOT)
        except (RedisError, OSError):
            return set()
        nodes = json.loads(text)["nodes"] if text else []
        return {n["name"] for n in nodes if n["state"] in PRESENT and self._is_news(n)}

    def _is_news(self, node: dict[str, str | None]) -> bool:
        seen = node.get("last_seen")
        return bool(seen) and datetime.fromisoformat(str(seen)).timestamp() >= self.since
