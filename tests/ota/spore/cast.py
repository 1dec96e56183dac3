"""A release, the Nexus that offers it, and stagers that bring it to a home."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ota.archive import Source, write_package
from ota.domain.release_file import PATH as RELEASE_FILE
from ota.domain.release_file import ReleaseFile
from ota.domain.requirements import digest_requirements
from ota.spore.orders import Request
from ota.spore.places import Places, slot_of
from ota.spore.staging import Means, Stager
from tests.ota.spore.desk import KEY, NODE, Clock, Desk, EasyTrust

OWN = digest_requirements("django\n")
PLENTY = 1 << 40
TREE = {"app/tasks.py": Source(b"print('bee')\n"), "run.sh": Source(b"#!/bin/sh\n", 0o755)}


@dataclass
class Scene:
    """One release on a desk, and one home that should get it."""

    desk: Desk
    home: Path
    package: bytes
    signed: dict
    version: str = "1.2.0"
    channel: str = "stable"
    seq: int = 7
    changes: dict = field(default_factory=dict)

    @property
    def sha256(self):
        return hashlib.sha256(self.package).hexdigest()

    @property
    def path(self):
        return f"{self.channel}/hive-{self.seq:06d}-{self.version}.zip"

    @property
    def slot(self):
        name = slot_of(channel=self.channel, seq=self.seq, sha256=self.sha256)
        return Places(self.home).releases / name

    @property
    def places(self):
        return Places(self.home)

    def request(self, **changes):
        body = {
            "home": str(self.home),
            "node": NODE,
            "nexus": self.desk.url,
            "release": {
                "sha256": self.sha256,
                "path": self.path,
                "version": self.version,
                "channel": self.channel,
                "seq": self.seq,
                "size": len(self.package),
            },
            "channels": ["stable"],
            "floor": {"stable": 3},
            "own_python": sys.executable,
            "own_requirements": OWN,
            "launcher": "1",
            "deadline": 120,
        }
        return json.dumps({**body, **self.changes, **changes})

    def means(self, **changes):
        means = Means(
            nexus=self.desk.client(),
            trust=EasyTrust(self.places.trust),
            now=lambda: datetime.now(UTC),
            pace=Clock().pace(),
            env=dict(os.environ),
            free=lambda folder: PLENTY,
        )
        return replace(means, **changes)

    def stage(self, *, steps=None, request=None, **means):
        """Stage it in this process: the mark and the tree."""
        tell = (steps if steps is not None else []).append
        told = Request.read(request or self.request())
        return Stager(told, self.means(**means), lambda step, part: tell((step, part))).stage()

    def sign(self, **changes):
        """What the signers say of it, with changes."""
        self.signed["custom"]["hive"].update(changes)
        self.desk.metadata["signed"] = {self.path: self.signed}

    def start(self, *, env=None, request=None, module="tests.ota.spore.easy_stager", **options):
        """A real stager that has got its request."""
        child = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "HIVE_NODE_KEY": KEY.hex(), **(env or {})},
            cwd=Path(__file__).parents[3],
            **options,
        )
        child.stdin.write(request or self.request())
        child.stdin.close()
        child.stdin = None
        return child

    def run(self, **options):
        """A real stager's exit code and its lines."""
        child = self.start(**options)
        out, _ = child.communicate(timeout=120)
        return child.returncode, [json.loads(line) for line in out.splitlines()]


def make_scene(desk, home, *, tree=None, requirements=OWN, lock=None, channel="stable", **about):
    """A release that is published and signed, and an empty home."""
    home.mkdir(exist_ok=True)
    files = dict(TREE if tree is None else tree)
    if lock is not None:
        files["requirements.lock"] = Source(lock.encode())
    release = ReleaseFile(
        version="1.2.0",
        python=">=3.11",
        task_modules=("app.tasks",),
        requirements_sha256=requirements,
        lock=None if lock is None else "requirements.lock",
        lock_sha256="" if lock is None else hashlib.sha256(lock.encode()).hexdigest(),
    )
    release = replace(release, **about)
    files.setdefault(RELEASE_FILE, Source(release.write()))
    target = io.BytesIO()
    manifest = write_package(target, files)
    package = target.getvalue()
    scene = Scene(desk, home, package, {}, channel=channel)
    desk.add_package(package)
    scene.signed = {
        "length": len(package),
        "sha256": scene.sha256,
        "custom": {
            "hive": {
                "schema": 1,
                "version": scene.version,
                "seq": scene.seq,
                "channel": scene.channel,
                "manifest_sha256": hashlib.sha256(manifest.write()).hexdigest(),
                "unpacked_size": sum(f.size for f in manifest.files) + len(manifest.write()),
                "file_count": len(manifest.files),
                "floor_seq": 2,
                "python": release.python,
                "requirements_sha256": release.requirements_sha256,
                "lock_sha256": release.lock_sha256,
                "built": "2026-01-02T10:00:00Z",
            }
        },
    }
    scene.sign()
    return scene


def make_wheel(name, version="1.0", *, code="BUZZ = 1\n", tag="py3-none-any"):
    """A wheel's file name and its bytes."""
    stem, about = f"{name}-{version}", f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{about}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = [f"{path},sha256={_hash(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{about}/RECORD"] = "\n".join([*rows, f"{about}/RECORD,,", ""])
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), text)
    return f"{stem}-{tag}.whl", target.getvalue()


def lock_of(*wheels):
    """A lock that names these wheels."""
    lines = []
    for name, data in wheels:
        package, version = name.split("-")[:2]
        sha256 = hashlib.sha256(data).hexdigest()
        lines.append(f"{package}=={version} \\\n    --hash=sha256:{sha256}\n")
    return "".join(lines)


def _hash(text):
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
