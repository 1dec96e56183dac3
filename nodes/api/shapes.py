"""JSON Schema of what the API takes and gives, for the OpenAPI document (CONTRACT §6)."""

from typing import Any

from nodes.domain.commands import Command

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time", "nullable": True}
ANY: Schema = {}
LABELS: Schema = {"type": "object", "additionalProperties": TEXT}
WORDS: Schema = {"type": "array", "items": TEXT}


def one_of(*words: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(words)}


def record(**fields: Schema) -> Schema:
    """An object with these fields."""
    return {"type": "object", "properties": fields}


def full(title: str, **fields: Schema) -> Schema:
    """An object that always has all of these fields, known by its title."""
    return {**record(**fields), "required": list(fields), "title": title}


def answers(schema: Schema, status: int = 200) -> dict[tuple[int, str], Schema]:
    """A response of that shape."""
    return {(status, "application/json"): schema}


def takes(schema: Schema) -> dict[str, Schema]:
    """A request of that shape."""
    return {"application/json": schema}


def page_of(row: Schema) -> Schema:
    """A page of rows with the address of the next one."""
    following = {"type": "string", "format": "uri", "nullable": True}
    rows = {"type": "array", "items": row}
    return {**record(results=rows, next=following), "required": ["results", "next"]}


PROBLEM = {
    **record(
        type=TEXT,
        title=TEXT,
        status=WHOLE,
        detail=TEXT,
        errors={
            "type": "array",
            "description": "what is wrong where (JSON pointers)",
            "items": {**record(pointer=TEXT, detail=TEXT), "required": ["pointer", "detail"]},
        },
    ),
    "required": ["type", "title", "status", "detail"],
    "title": "Problem",
}
NODE = full(
    "Node",
    name=TEXT,
    state=one_of("online", "suspect", "draining", "cordoned", "updating", "quarantined", "lost"),
    slots=WHOLE,
    running=WHOLE,
    cpu={**NUMBER, "minimum": 0, "maximum": 1},
    memory={**NUMBER, "minimum": 0, "maximum": 1},
    score={**NUMBER, "nullable": True},
    labels=LABELS,
    capabilities=WORDS,
    gpus={"type": "array", "items": record(index=WHOLE, name=TEXT, memory_mb=WHOLE)},
    release=TEXT,
    last_seen=TIME,
    agent_version=TEXT,
)
NODE_CHANGE = {
    **record(slots={**WHOLE, "nullable": True}, labels=LABELS),
    "additionalProperties": False,
    "title": "NodeChange",
}
POOL = full(
    "Pool",
    provider=TEXT,
    min=WHOLE,
    max=WHOLE,
    wanted=WHOLE,
    ready=WHOLE,
    starting=WHOLE,
    draining=WHOLE,
    held=WHOLE,
    leaving=WHOLE,
    waiting=WHOLE,
    oldest_wait=NUMBER,
    reason=TEXT,
    error=TEXT,
    changes={"type": "array", "items": record(at=TEXT, what=TEXT, reason=TEXT)},
)
CLUSTER = full(
    "Cluster",
    nodes_online=WHOLE,
    nodes_total=WHOLE,
    avg_cpu=NUMBER,
    avg_memory=NUMBER,
    active_subtasks=WHOLE,
    slots=WHOLE,
    queues={"type": "object"},
    throughput=record(
        succeeded_per_second=NUMBER, failed_per_second=NUMBER, retried_per_second=NUMBER
    ),
    pools={"type": "object", "additionalProperties": POOL},
    foreman=record(state=one_of("leading", "away"), holder=TEXT, epoch=WHOLE),
)
SERIES = full(
    "Series",
    scope=TEXT,
    window=TEXT,
    step=WHOLE,
    at={"type": "array", "items": NUMBER},
    values={
        "type": "object",
        "additionalProperties": {"type": "array", "items": {**NUMBER, "nullable": True}},
    },
)
ANSWER = {
    **full("Acknowledgement", ok=FLAG, at={**TIME, "nullable": False}, data={"type": "object"}),
    "nullable": True,
    "description": "null: not yet",
}
BROADCAST_WISH = {
    **record(
        command=one_of(*Command),
        nodes={**WORDS, "nullable": True, "minItems": 1, "description": "null: all nodes"},
        data={"type": "object"},
    ),
    "required": ["command"],
    "additionalProperties": False,
    "title": "BroadcastWish",
    "example": {"command": "PING", "nodes": None},
}
BROADCAST = full(
    "Broadcast",
    id=TEXT,
    command=one_of(*Command),
    data={"type": "object"},
    submitted_by=TEXT,
    created_at={**TIME, "nullable": False},
    acknowledgements={"type": "object", "additionalProperties": ANSWER},
)
JOIN_REQUEST = {
    **record(
        nonce={**TEXT, "minLength": 32, "maxLength": 200, "description": "made by chance"},
        name={**TEXT, "description": "what it insists on being called"},
        host={**TEXT, "description": "what it is called if nobody says otherwise"},
    ),
    "required": ["nonce"],
    "additionalProperties": False,
    "title": "JoinRequest",
}
JOINED = full(
    "Joined",
    node=TEXT,
    node_key={**TEXT, "description": "hexadecimal"},
    generation=WHOLE,
    redis_url=TEXT,
    ca={**TEXT, "description": "who vouches for Nexus and Redis, in PEM; empty: the system knows"},
    ota_root={**TEXT, "nullable": True, "description": "the root of trust for releases"},
    channels=WORDS,
    slots={**WHOLE, "nullable": True},
    labels=LABELS,
    capabilities=WORDS,
)
REVOKED_NODE = full("RevokedNode", name=TEXT, generation=WHOLE, redis=TEXT)
