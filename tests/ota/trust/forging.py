"""Metadata made by hand: what a thief of some keys could make, or somebody without any."""

import json
from dataclasses import dataclass, field

import pytest
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile

from ota.domain.trust import DEV, SNAPSHOT, TARGETS, TIMESTAMP, Untrusted
from ota.trust.signing import target_file
from tests.ota.trust.places import SHA, custom


def refused(code, act, *args):
    """It is not trusted, and for this reason."""
    with pytest.raises(Untrusted) as fact:
        act(*args)
    assert fact.value.code == code, fact.value.reason


def stranger():
    return CryptoSigner.generate_ed25519()


def document(bundle, role):
    return Metadata.from_bytes(bundle[role].encode())


def nothing(signed):
    """Changes nothing."""


@dataclass
class Thief:
    """Has the keys of a repository, or `keys` of its own for some roles."""

    repository: object
    keys: dict = field(default_factory=dict)

    def bundle(self, **changes):
        """The next state of the repository, changed by role; hashes and versions fit."""
        bundle = self.repository.bundle(0)
        docs = {role: document(bundle, role) for role in (DEV, TARGETS, SNAPSHOT, TIMESTAMP)}
        docs[SNAPSHOT].signed.version += 1
        docs[TIMESTAMP].signed.version += 1
        for role in (DEV, TARGETS):
            if role in changes:
                docs[role].signed.version += 1
                self._sign(docs, role, changes[role])
            meta = MetaFile.from_data(docs[role].signed.version, docs[role].to_bytes(), ["sha256"])
            docs[SNAPSHOT].signed.meta[f"{role}.json"] = meta
        self._sign(docs, SNAPSHOT, changes.get(SNAPSHOT, nothing))
        snapshot = docs[SNAPSHOT]
        docs[TIMESTAMP].signed.snapshot_meta = MetaFile.from_data(
            snapshot.signed.version, snapshot.to_bytes(), ["sha256"]
        )
        self._sign(docs, TIMESTAMP, changes.get(TIMESTAMP, nothing))
        return {**bundle, **{role: doc.to_bytes().decode() for role, doc in docs.items()}}

    def _sign(self, docs, role, change):
        change(docs[role].signed)
        docs[role].signatures.clear()
        own = self.keys.get(role)
        for signer in [own] if own else self.repository.keys.of(role):
            signature = signer.sign(docs[role].signed_bytes)
            docs[role].signatures[signature.keyid] = signature


def holding(path, *, seq, channel, version="1.0", sha256=SHA):
    """Adds a target."""

    def change(signed):
        about = custom(channel, seq, version)
        signed.targets[path] = target_file(path, 100, sha256, about)

    return change


def expiring(moment):
    def change(signed):
        signed.expires = moment

    return change


def next_root(repository, signers, change=nothing):
    """A root after the newest one, signed by these."""
    root = Metadata.from_bytes(repository.root())
    root.signed.version += 1
    change(root.signed)
    root.signatures.clear()
    for signer in signers:
        root.sign(signer, append=True)
    return root.to_bytes().decode()


def tampered(text):
    """One digit of what was signed is another; the JSON is as good as before."""
    body = json.loads(text)
    expires = body["signed"]["expires"]
    body["signed"]["expires"] = str(int(expires[0]) + 1) + expires[1:]
    return json.dumps(body)
