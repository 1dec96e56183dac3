"""The messages between Foreman and slots: bundles out, events back. No Django, no ORM.

A bundle is one JSON object. The items' texts go into it as they are, and results come back as
text, so that a payload is encoded once where it is made and decoded once where it is used. Of
what is large a reference travels, in a field of its own: no value can pass for one.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hive_site.kernel import messages
from jobs.domain.references import Large, is_reference
from nodes.wire import BUNDLE_DIGITS, PROTOCOL

#: A bundle that waited longer than this on a node is handed back instead of run.
BUNDLE_TTL_SECONDS = 900
#: One result may be this long, as JSON text in UTF-8.
MAX_RESULT_BYTES = 32 * 1024 * 1024
#: One partial result may be this long, and one attempt may have so many.
MAX_PARTIAL_BYTES, MAX_PARTIALS = 256 * 1024, 100_000
#: Pending events are sent when their results reach this size together.
FLUSH_BYTES = 192 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """One item of a bundle. `number` is the attempt's number from 1, `item` is JSON text."""

    subtask: int
    index: int
    number: int
    item: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a slot is to run. Attempt ids are `first`, `first + 1`, … in the order of items.

    What is `Large` must be fetched before it is used.
    """

    id: str
    job: str
    stop_token: str
    task: str
    total: int
    timeout: float
    first: int
    kwargs: dict[str, Any] | Large
    items: list[tuple[int, int, int, Any]]
    gpus: tuple[int, ...]
    expires: float
    idempotent: bool
    #: The span of its dispatch, if somebody traces its job.
    traceparent: str = ""


def bundle_id(node: str, first: int) -> str:
    """The id of the bundle whose first attempt is `first`; starts with the node for Redis ACLs."""
    return f"{node}-{first:0{BUNDLE_DIGITS}x}"


def compose(
    *,
    node: str,
    incarnation: str,
    job: str,
    stop_token: str,
    task: str,
    total: int,
    timeout: float,
    first: int,
    kwargs: str,
    pieces: Iterable[Piece],
    gpus: tuple[int, ...],
    idempotent: bool,
    now: float,
    traceparent: str = "",
) -> str:
    """The JSON text of a bundle. `kwargs` is JSON text, `now` Unix seconds."""
    traced = {"traceparent": traceparent} if traceparent else {}
    head = messages.dumps(
        {
            "v": PROTOCOL,
            "node": node,
            "incarnation": incarnation,
            "bundle": bundle_id(node, first),
            "job": job,
            "stop": stop_token,
            "task": task,
            "total": total,
            "timeout": timeout,
            "first": first,
            "gpus": gpus,
            "idempotent": idempotent,
            "expires": now + BUNDLE_TTL_SECONDS,
            **traced,
        }
    ).decode()
    items = ",".join(f"[{p.subtask},{p.index},{p.number},{_quote(p.item)}]" for p in pieces)
    return f'{head[:-1]},"kwargs":{_name(kwargs)},"items":[{items}]}}'


def _quote(text: str) -> str:
    """A value as it is; of what is large, nothing and then the reference to it."""
    return f"null,{json.dumps(text)}" if is_reference(text) else text


def _name(kwargs: str) -> str:
    return f'null,"kwargs_at":{json.dumps(kwargs)}' if is_reference(kwargs) else kwargs


def _read(value: Any, reference: str = "") -> Any:
    return Large(reference) if reference else value


def read_bundle(body: Any, *, node: str, incarnation: str) -> Bundle:
    """The bundle in a verified message. Raises `ValueError` if it is not for this Spore."""
    version = body.get("v") if isinstance(body, dict) else None
    if version != PROTOCOL:
        raise ValueError(f"protocol {version}, this Spore speaks {PROTOCOL}")
    if (body["node"], body["incarnation"]) != (node, incarnation):
        raise ValueError(f"for {body['node']} {body['incarnation']}, not for us")
    return Bundle(
        id=body["bundle"],
        job=body["job"],
        stop_token=body["stop"],
        task=body["task"],
        total=body["total"],
        timeout=body["timeout"],
        first=body["first"],
        kwargs=_read(body["kwargs"], body.get("kwargs_at", "")),
        items=[(*row[:3], _read(*row[3:])) for row in body["items"]],
        gpus=tuple(body["gpus"]),
        expires=body["expires"],
        idempotent=body["idempotent"],
        traceparent=body.get("traceparent", ""),
    )
