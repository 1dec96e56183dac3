"""JSON Schema of what the API of updates takes and gives."""

from nodes.api.shapes import (
    FLAG,
    LABELS,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    WORDS,
    Schema,
    full,
    one_of,
    record,
)
from ota.domain.report_body import ATTEMPTS
from ota.domain.states import (
    Channel,
    DeploymentState,
    Phase,
    ReleaseState,
    RolloutState,
    Strategy,
    WaveState,
)

_RELEASE: dict[str, Schema] = {
    "version": TEXT,
    "channel": one_of(*Channel),
    "seq": WHOLE,
    "state": one_of(*ReleaseState),
    "sha256": TEXT,
    "size": WHOLE,
    "unpacked_size": WHOLE,
    "files": WHOLE,
    "environment": TEXT,
    "signed_by": WORDS,
    "published_by": TEXT,
    "created_at": {**TIME, "nullable": False},
    "nodes": {**WHOLE, "description": "on how many nodes it runs"},
}
RELEASE = full("Release", **_RELEASE)
PUBLISHED = full(
    "PublishedRelease",
    **_RELEASE,
    wheels_missing={**WORDS, "description": "what nodes will need and the Nexus does not have"},
)
DIFFERENCE = {
    **full("Difference", against=TEXT, added=WORDS, removed=WORDS, changed=WORDS),
    "nullable": True,
    "description": "files, by `?against=`",
}
RELEASE_DETAIL = full("ReleaseDetail", **_RELEASE, difference=DIFFERENCE)
BINARY: Schema = {"type": "string", "format": "binary"}
PACKAGE_WISH = {
    **record(
        package={**BINARY, "description": "what `ota build` made"},
        channel={**one_of(*Channel), "description": "default: stable with a signature, else dev"},
        signature={**BINARY, "description": "what `ota sign` made: FILE.zip.targets.json"},
    ),
    "required": ["package"],
    "additionalProperties": False,
    "title": "PackageWish",
}
WHEELS = full("Wheels", wheels={"type": "array", "items": {**record(name=TEXT, sha256=TEXT)}})

COUNTS = {"type": "object", "additionalProperties": WHOLE}
NODE_WORDS = {"type": "object", "additionalProperties": TEXT}
PRESENT_TIME = {**TIME, "nullable": False}
WAVE = {
    **record(index=WHOLE, state=one_of(*WaveState), since=TIME, nodes=COUNTS),
    "title": "RolloutWave",
}
HEAD = {
    "id": TEXT,
    "release": TEXT,
    "strategy": one_of(*Strategy),
    "selector": LABELS,
    "state": one_of(*RolloutState),
    "reason": TEXT,
    "wave": WHOLE,
    "waves": {"type": "array", "items": WAVE},
    "counts": COUNTS,
    "created_by": TEXT,
    "created_at": PRESENT_TIME,
    "started_at": TIME,
    "finished_at": TIME,
}
DEPLOYMENT = full(
    "Deployment",
    node=TEXT,
    wave=WHOLE,
    state=one_of(*DeploymentState),
    code=TEXT,
    reason=TEXT,
    from_version=TEXT,
    step=TEXT,
    fraction=NUMBER,
    changed_at=PRESENT_TIME,
)
EVENT = full("OtaEvent", at=PRESENT_TIME, what=TEXT, node=TEXT, who=TEXT, reason=TEXT)
ROLLOUT_ROW = full("RolloutRow", **HEAD)
ROLLOUT = full(
    "Rollout",
    **HEAD,
    nodes={"type": "array", "items": DEPLOYMENT},
    events={"type": "array", "items": EVENT},
)
PLAN = full(
    "RolloutPlan",
    release=TEXT,
    waves={"type": "array", "items": WORDS},
    offline=WORDS,
    skipped={**NODE_WORDS, "description": "who is left out, and why"},
    taken={**NODE_WORDS, "description": "whom another rollout has in hand: its id"},
)
ROLLOUT_WISH = {
    **record(
        release={**TEXT, "description": "the version of a release"},
        strategy={**one_of(*Strategy), "default": str(Strategy.FAST)},
        selector={**LABELS, "description": "labels that nodes must have; empty: all nodes"},
        start={**FLAG, "default": True},
        supersede={**FLAG, "default": False},
        dry_run={**FLAG, "default": False, "description": "say whom it would touch, and stop"},
    ),
    "required": ["release"],
    "additionalProperties": False,
    "title": "RolloutWish",
    "example": {"release": "1.2.0", "strategy": "fast"},
}
HOME = full(
    "NodeCode",
    node=TEXT,
    managed=FLAG,
    active=TEXT,
    previous=TEXT,
    wanted={**TEXT, "description": "a version; `own`: what it was started from; empty: nothing"},
    phase={**one_of("", *Phase)},
    staged=TEXT,
    error=TEXT,
    quarantine=WORDS,
    metadata_expires_at=TIME,
    reported_at=TIME,
    report_age={**NUMBER, "nullable": True, "description": "seconds"},
)
SLOT = {
    **record(sha256=TEXT, version=TEXT),
    "required": ["sha256"],
    "additionalProperties": False,
}
MAYBE_SLOT = {**SLOT, "nullable": True}
NATURAL = {**WHOLE, "minimum": 0, "maximum": 2**53}
MEASURE = {**NUMBER, "minimum": -(2**53), "maximum": 2**53}
SHORT_WORDS = {**WORDS, "maxItems": 1000}
REPORT = {
    **record(
        schema={**WHOLE, "enum": [1]},
        rev=NATURAL,
        phase=one_of(*Phase),
        active=SLOT,
        previous=MAYBE_SLOT,
        staged=MAYBE_SLOT,
        attempt={
            **record(
                sha256=TEXT,
                state=one_of(*ATTEMPTS),
                step=TEXT,
                fraction={**NUMBER, "minimum": 0, "maximum": 1},
                code=TEXT,
                reason=TEXT,
            ),
            "required": ["sha256", "state"],
            "additionalProperties": False,
            "nullable": True,
        },
        quarantine=SHORT_WORDS,
        channels={**SHORT_WORDS, "nullable": True},
        floor={"type": "object", "additionalProperties": NATURAL, "maxProperties": 1000},
        python=TEXT,
        arch=TEXT,
        free_mb=MEASURE,
        launcher=TEXT,
        trust={**record(root=NATURAL, expires=MEASURE), "additionalProperties": False},
    ),
    "required": ["rev", "phase", "active"],
    "additionalProperties": False,
    "title": "NodeReport",
}
SYNC = full(
    "NodeWish",
    rev=WHOLE,
    order=one_of("none", "stage", "activate", "own"),
    release={
        **record(sha256=TEXT, path=TEXT, version=TEXT, channel=TEXT, seq=WHOLE, size=WHOLE),
        "nullable": True,
    },
    terms={"type": "object", "additionalProperties": NUMBER},
    poll=NUMBER,
    at=NUMBER,
)
ROOT = full("TrustRoot", root={**TEXT, "description": "sealed for this node"})
METADATA = {
    **full(
        "TrustMetadata",
        roots=WORDS,
        timestamp=TEXT,
        snapshot=TEXT,
        targets=TEXT,
        dev=TEXT,
    )
}
