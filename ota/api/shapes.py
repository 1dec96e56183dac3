"""JSON Schema of releases, for the OpenAPI document."""

from nodes.api.shapes import TEXT, TIME, WHOLE, WORDS, Schema, full, one_of, record
from ota.domain.states import Channel, ReleaseState

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
