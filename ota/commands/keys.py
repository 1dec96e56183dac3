"""`ota keys`: whose signatures count."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hive_site.kernel.errors import Invalid
from ota.commands.answers import answer, say
from ota.domain.trust import OFFLINE, ONLINE, Role

HELP = "the keys that releases are signed with"
DESCRIPTION = """A fresh Nexus makes all keys itself (quick start). `init` moves trust to keys of
yours: with the Nexus's data directory on this machine at once, else in three steps:
on the Nexus `ota keys list --json > nexus.json`; here `ota keys init --dir KEYS --nexus
nexus.json`; and with KEYS/*.json carried to the Nexus, there `ota keys add --root KEYS/root.json`.
The last step again carries over what `add` and `rotate` change later. Private keys (KEYS/*.pem)
stay where they are; HIVE_OTA_PASSPHRASE or HIVE_OTA_PASSPHRASE_FILE encrypts those that are made.
A second operator gets a key of the role as a file: move one of KEYS/*.pem to a directory of
theirs, with root.json and targets.json."""
DIR_HELP = "the directory of your keys"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """init, add, rotate, list."""
    parser.description = DESCRIPTION
    shelf = parser.add_subparsers(
        dest="action", required=True, metavar="ACTION", parser_class=type(parser)
    )
    init = shelf.add_parser("init", help="make keys of yours, and move trust over to them")
    init.add_argument("--dir", metavar="KEYS", required=True, help=DIR_HELP)
    init.add_argument(
        "--nexus", metavar="FILE", help="what `ota keys list --json` printed on another machine"
    )
    add = shelf.add_parser("add", help="one more key; or on the Nexus, take a newer root")
    what = add.add_mutually_exclusive_group(required=True)
    what.add_argument("--dir", metavar="KEYS", help=DIR_HELP)
    what.add_argument("--root", metavar="KEYS/root.json", help="publish what was signed elsewhere")
    add.add_argument("--role", choices=OFFLINE, help="what the key is for (default: targets)")
    add.add_argument("--threshold", type=int, metavar="N", help="so many of its keys must sign")
    rotate = shelf.add_parser("rotate", help="replace the keys of a role")
    rotate.add_argument("role", metavar="ROLE", choices=(*OFFLINE, *ONLINE), help="%(choices)s")
    rotate.add_argument("--dir", metavar="KEYS", required=True, help=DIR_HELP)
    rotate.add_argument("--key", metavar="ID", default="", help="only the one that begins so")
    listing = shelf.add_parser("list", help="the roles, their keys, and what needs attention")
    listing.add_argument("--dir", metavar="KEYS", help="also, which of the keys lie there")
    for each in (init, add, rotate, listing):
        each.add_argument("--json", action="store_true", help="print JSON")
        # manage.py reads it before there are settings; here it must be known behind the action too.
        each.add_argument(
            "--data", metavar="DIR", help="the Nexus's data (HIVE_DATA_DIR, else var/)"
        )


def run(options: dict[str, Any]) -> int:
    """One of the actions."""
    actions = {"init": _init, "add": _add, "rotate": _rotate, "list": _list}
    document, lines = actions[options["action"]](options, datetime.now(UTC))
    if options["json"]:
        answer(document)
    else:
        say("\n".join(lines))
    return 0


Told = tuple[dict[str, Any], list[str]]


def _init(options: dict[str, Any], now: datetime) -> Told:
    from ota.trust.nexus import open_desk

    told = _read_told(options["nexus"]) if options["nexus"] else None
    desk = open_desk(options["dir"], alone=told is not None)
    desk.make_keys()
    if told is not None:
        desk.take(told)
    known = desk.nexus is not None or (desk.folder / "root.json").is_file()
    moved = known and desk.move_trust(now)
    keys = {role: [key.public_key.keyid for key in desk.keys.of(role)] for role in OFFLINE}
    lines = [f"{role}: {', '.join(key[:16] for key in keys[role])}" for role in OFFLINE]
    if not known:
        way = "`ota keys init --dir KEYS --nexus FILE` goes on from `ota keys list --json` there"
        lines.append(f"the keys are made; this machine has no Nexus: {way}")
    elif not moved:
        lines.append("these keys have the Nexus's trust already; nothing to do")
    else:
        lines += _moved(desk)
    return {"dir": str(desk.folder), "keys": keys, "moved": moved}, lines


def _add(options: dict[str, Any], now: datetime) -> Told:
    if options["root"]:
        if options["role"] or options["threshold"]:
            raise Invalid("--root takes no --role and no --threshold; they go with --dir")
        return _take_root(Path(options["root"]), now)
    from ota.trust.nexus import open_desk

    desk, role = open_desk(options["dir"]), options["role"] or "targets"
    keyid = desk.add(role, options["threshold"], now)
    return {"role": role, "key": keyid}, [f"{role}: {keyid[:16]} added", *_moved(desk)]


def _take_root(path: Path, now: datetime) -> Told:
    """On the Nexus: publish the roots after the newest one here, and the targets beside them."""
    from ota.trust.handover import read_handover
    from ota.trust.nexus import open_repository

    nexus = open_repository()
    roots, targets = read_handover(path, nexus.root(), nexus.targets())
    if not roots and targets is None:
        return {"roots": 0, "deleted": []}, ["nothing there is newer than what is published"]
    gone = nexus.accept(roots, targets, now)
    lines = ["published; nodes follow at their next update"]
    if gone:
        lines.append(f"deleted from the Nexus: {', '.join(gone)}")
    return {"roots": len(roots), "deleted": gone}, lines


def _rotate(options: dict[str, Any], now: datetime) -> Told:
    from ota.trust.nexus import open_desk

    desk, role = open_desk(options["dir"]), options["role"]
    old = desk.rotate(role, options["key"], now)
    lines = [f"{role}: {', '.join(key[:16] for key in old)} no longer counts", *_moved(desk)]
    return {"role": role, "replaced": old}, lines


def _list(options: dict[str, Any], now: datetime) -> Told:
    from ota.trust.keyring import Keyring
    from ota.trust.nexus import open_desk, open_repository
    from ota.trust.roles import list_roles

    nexus, desk = open_repository(), open_desk(options["dir"]) if options["dir"] else None
    if desk is not None and desk.nexus is None:
        root, targets = desk.documents()
        roles = list_roles({"root": root, "targets": targets}, Keyring(Path()), now)
        roots, signed = [root.to_bytes().decode()], targets.to_bytes().decode()
    else:
        roles, bundle = nexus.roles(now), nexus.bundle(0)
        roots, signed = bundle["roots"], bundle["targets"]
    rows = [_row(role, desk.keys.holds(role.keys) if desk else []) for role in roles]
    document = {"roles": rows, "root": roots[-1], "roots": roots, "targets": signed}
    return document, [_line(row) for row in rows]


def _row(role: Role, in_dir: list[str]) -> dict[str, Any]:
    return {
        "name": role.name,
        "keys": list(role.keys),
        "on_nexus": list(role.here),
        "in_dir": in_dir,
        "threshold": role.threshold,
        "version": role.version,
        "expires": f"{role.expires:%Y-%m-%dT%H:%M:%SZ}",
        "alarm": role.alarm,
    }


def _line(row: dict[str, Any]) -> str:
    keys = " ".join(
        f"{key[:16]}{'*' if key in row['on_nexus'] else ''}{'+' if key in row['in_dir'] else ''}"
        for key in row["keys"]
    )
    need = f"{row['threshold']} of {len(row['keys'])}"
    text = f"{row['name']:<9} v{row['version']:<4} until {row['expires'][:10]}  {need}  {keys}"
    return f"{text}\n          ! {row['alarm']}" if row["alarm"] else text


def _moved(desk: Any) -> list[str]:
    if desk.nexus is not None:
        return ["published; nodes follow at their next update"]
    root = desk.folder / "root.json"
    way = f"`ota keys add --root {root.name}` publishes them there"
    return [f"carry {desk.folder}/*.json (never *.pem) to the Nexus: {way}"]


def _read_told(path: str) -> dict[str, Any]:
    try:
        told = json.loads(Path(path).read_text())
    except ValueError:
        told = None
    if not isinstance(told, dict):
        way = "give what `ota keys list --json` printed on the Nexus"
        raise Invalid(f"--nexus {path}: no JSON document; {way}", field="nexus")
    return told
