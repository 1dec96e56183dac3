"""What an agent has to say of bundles, in order, until Redis has it."""

from typing import Any

from nodes.spore.line import Line


def send_all(line: Line, outbox: list[dict[str, Any]]) -> None:
    """Report everything, and let go of the bundles that it ends. Raises `RedisError`; what was
    said by then is no longer in the outbox."""
    while outbox:
        body = outbox[0]
        line.report(body)
        if body.get("bundle"):
            line.discard(body["bundle"])
        outbox.pop(0)
