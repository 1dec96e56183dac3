"""`hive join`: makes this machine a node of a Hive that runs elsewhere.

It needs the line that `hive invite` printed there, and nothing else: no database, no Redis, no key.
"""

import argparse
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hive_site.commands.answers import answer
from hive_site.kernel.errors import Conflict, HiveError, Invalid

HELP = "make this machine a node of the Hive that invited it"
#: Keeps a number made by chance: who asks twice is the same machine.
ASKED = ".asked.json"
UNIT = "hive-spore.service"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whom to join, where to keep it, and what this machine is."""
    parser.add_argument("--nexus", required=True, metavar="URL", help="where the Nexus answers")
    parser.add_argument("--token", required=True, metavar="T", help="of the invitation; -: read it")
    parser.add_argument("--ca-sha256", default="", metavar="HEX", help="who vouches for the Nexus")
    parser.add_argument("--home", metavar="DIR", help="where the Spore keeps its files (var/spore)")
    parser.add_argument("--name", default="", help="its name (default: what the invitation says)")
    parser.add_argument("--slots", type=int, metavar="N", help="what runs at once")
    parser.add_argument(
        "--label", action="append", default=[], metavar="K=V", help="like site=lab; again for more"
    )
    parser.add_argument(
        "--capability", action="append", default=[], metavar="C", help="like ffmpeg; again for more"
    )
    parser.add_argument("--systemd", action="store_true", help=f"write a unit, {UNIT}, there too")
    what_then = parser.add_mutually_exclusive_group()
    what_then.add_argument("--start", action="store_true", help="start the Spore at once")
    what_then.add_argument("--json", action="store_true", help="print JSON")


def run(options: dict[str, Any]) -> int:
    """Ask, keep what came back, and say how to start."""
    from django.conf import settings

    home = Path(options["home"] or settings.HIVE.data / "spore").absolute()
    nexus = read_nexus(options["nexus"])
    token = read_token(options["token"])
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        granted = enrol(options, home=home, nexus=nexus, token=token)
        unit = write_unit(home, granted["node"]) if options["systemd"] else None
    except OSError as error:
        rule = "give a directory that can be written"
        raise Invalid(f"--home {home}: {error.strerror or error}; {rule}", field="home") from error
    if options["start"]:
        start(home)
    tell(granted, home=home, unit=unit, as_json=options["json"])
    return 0


def read_token(text: str) -> str:
    """The token; a line of stdin for -, as whoever lists processes reads command lines."""
    return (sys.stdin.readline() if text == "-" else text).strip()


def read_nexus(text: str) -> str:
    """The address of a Nexus, which must not carry secrets in the clear. Raises `Invalid`."""
    from nodes.domain.names import LOOPBACK

    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise Invalid(f"--nexus {text!r}: give an address like https://hive.example", field="nexus")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        sys.stderr.write(f"hive join: {text} has no TLS: the key can be read on the way\n")
    return text.rstrip("/")


def enrol(options: Mapping[str, Any], *, home: Path, nexus: str, token: str) -> dict[str, Any]:
    """Join, and write down in the home what the Nexus granted. Raises `HiveError`, `OSError`."""
    from hive_site.joined_home import write_home
    from nodes.spore.enrolment import ask_to_join, fetch_authorities
    from nodes.spore.identity import check_name, default_name, read_labels

    name = check_name(options["name"]) if options["name"] else ""
    labels = read_labels(options["label"])
    _check_slots(options["slots"])
    ca_file = _find_authorities(home, nexus, options["ca_sha256"], fetch_authorities)
    body = {"nonce": _nonce(home, token), "name": name, "host": default_name()}
    granted = ask_to_join(nexus, token, body, ca_file=ca_file)
    values, files = compose_home(granted, home=home, nexus=nexus, ca_file=ca_file)
    values |= _own_wishes(granted, options, labels)
    write_home(home, values, files)
    return granted


def _check_slots(slots: int | None) -> None:
    from nodes.spore.crew import MAX_SLOTS

    if slots is not None and not 1 <= slots <= MAX_SLOTS:
        raise Invalid(f"--slots {slots}: give 1 to {MAX_SLOTS}", field="slots")


def _find_authorities(home: Path, nexus: str, sha256: str, fetch: Any) -> str:
    """The file of who vouches for the Nexus; empty for those that the system trusts."""
    from django.conf import settings

    from hive_site.joined_home import write_secret

    if not sha256:
        return str(settings.HIVE.ca_file)
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise Invalid(f"--ca-sha256 {sha256!r}: give 64 hexadecimal digits", field="ca_sha256")
    if not nexus.startswith("https"):
        raise Invalid(f"--ca-sha256 is for https, and the Nexus is {nexus}", field="ca_sha256")
    path = home / f"ca-{sha256[:16].lower()}.pem"
    write_secret(path, fetch(nexus, sha256))
    return str(path)


def _nonce(home: Path, token: str) -> str:
    """The number that says that it is this machine which asks again with this token."""
    from hive_site.joined_home import write_secret

    path, about = home / ASKED, hashlib.sha256(token.encode()).hexdigest()
    try:
        kept = json.loads(path.read_text())
        if kept["about"] == about:
            return str(kept["nonce"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    nonce = secrets.token_hex(32)
    write_secret(path, json.dumps({"about": about, "nonce": nonce}))
    return nonce


def compose_home(
    granted: Mapping[str, Any], *, home: Path, nexus: str, ca_file: str
) -> tuple[dict[str, str], dict[str, str]]:
    """What belongs into `spore.env`, and into the files that it names."""
    try:
        ca, root = str(granted["ca"] or ""), granted["ota_root"]
        values = {
            "HIVE_NODE_NAME": str(granted["node"]),
            "HIVE_NODE_KEY": str(granted["node_key"]),
            "HIVE_NEXUS_URL": nexus,
            "REDIS_URL": str(granted["redis_url"]),
            "HIVE_OTA_CHANNELS": ",".join(map(str, granted["channels"])),
        }
    except (KeyError, TypeError) as error:
        raise Conflict(f"{nexus} left out {error}: it is of another version") from error
    files = {}
    for name, setting, text in (("ca", "HIVE_CA_FILE", ca), ("root", "HIVE_OTA_ROOT", root)):
        if text:
            digest = hashlib.sha256(text.encode()).hexdigest()[:16]
            file = f"{name}-{digest}.{'pem' if name == 'ca' else 'json'}"
            files[file], values[setting] = text, str(home / file)
    if ca_file and not ca:
        values["HIVE_CA_FILE"] = ca_file
    return values, files


def _own_wishes(
    granted: Mapping[str, Any], options: Mapping[str, Any], labels: Mapping[str, str]
) -> dict[str, str]:
    """What the machine says of itself counts more than what the invitation says."""
    slots = options["slots"] or granted.get("slots")
    merged = {**(granted.get("labels") or {}), **labels}
    given = [*(granted.get("capabilities") or []), *options["capability"]]
    capabilities = list(dict.fromkeys(given))
    return {
        "HIVE_NODE_SLOTS": str(slots or ""),
        "HIVE_NODE_LABELS": json.dumps(merged) if merged else "",
        "HIVE_NODE_CAPABILITIES": json.dumps(capabilities) if capabilities else "",
    }


def write_unit(home: Path, node: str) -> Path:
    """Leave a unit for systemd in the home. Raises `OSError`, `HiveError`."""
    from hive_site.joined_home import write_secret
    from hive_site.systemd import compose_unit, own_facts

    if sys.platform != "linux":
        raise HiveError("--systemd: only Linux has systemd; start the Spore as you start others")
    write_secret(home / UNIT, compose_unit(node=node, home=home, **own_facts()))
    return home / UNIT


def tell(granted: Mapping[str, Any], *, home: Path, unit: Path | None, as_json: bool) -> None:
    """What happened, and what is next."""
    from hive_site.commands.calling import manage_py

    line = f"{manage_py()} rqworker --home {home}"
    if as_json:
        facts = {name: granted[name] for name in ("node", "generation")}
        answer({**facts, "home": str(home), "start": line, "unit": str(unit) if unit else None})
        return
    sys.stdout.write(f"This machine is node {granted['node']} now. Start it:\n\n    {line}\n")
    if unit:
        sys.stdout.write(
            f"\nOr let systemd do so, as root:\n\n    install -m 0644 {unit} /etc/systemd/system/\n"
            f"    systemctl enable --now {UNIT}\n"
        )


def start(home: Path) -> None:
    """Become the Spore."""
    from hive_site.configuration import PROJECT

    for name in ("DJANGO_SETTINGS_MODULE", "HIVE_DATA_DIR"):
        os.environ.pop(name, None)
    argv = [sys.executable, str(PROJECT / "manage.py"), "rqworker", "--home", str(home)]
    sys.stdout.flush()
    os.execv(argv[0], argv)  # noqa: S606
