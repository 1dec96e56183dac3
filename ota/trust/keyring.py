"""Private keys in a directory, one file each, readable by its owner only."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner

from hive_site.kernel.disk import sync_directory
from hive_site.kernel.errors import Invalid

PASSPHRASE = "HIVE_OTA_PASSPHRASE"  # noqa: S105 - the name of a variable
NAME = re.compile(r"(?P<role>[a-z]+)-(?P<short>[0-9a-f]{16})\.pem")
SHORT = 16


class Keyring:
    """The keys in a directory. With a passphrase, what it makes is encrypted."""

    def __init__(self, folder: Path, passphrase: str = "") -> None:
        self.folder, self._passphrase = folder, passphrase.encode()

    def make(self, role: str) -> CryptoSigner:
        """A new Ed25519 key for a role; its file is safe on the disk."""
        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It may have been made by hand, with the rights that people have by default.
        self.folder.chmod(0o700)
        path = self.folder / f"{role}-{signer.public_key.keyid[:SHORT]}.pem"
        self._write(path, self._encode(private))
        return signer

    def signers(self, keyids: Iterable[str]) -> list[CryptoSigner]:
        """Those of these keys that are here. Raises `Invalid` for one that does not open."""
        wanted = {keyid[:SHORT]: keyid for keyid in keyids}
        found = [
            self._open(path, wanted[match["short"]])
            for path, match in self._files()
            if match["short"] in wanted
        ]
        return sorted(found, key=lambda signer: signer.public_key.keyid)

    def of(self, role: str) -> list[CryptoSigner]:
        """The keys that were made for a role."""
        return [
            self._open(path, match["short"])
            for path, match in self._files()
            if match["role"] == role
        ]

    def holds(self, keyids: Iterable[str]) -> list[str]:
        """Those of these ids whose key is here; nothing is opened."""
        here = {match["short"] for _, match in self._files()}
        return [keyid for keyid in keyids if keyid[:SHORT] in here]

    def unused(self, keyids: Iterable[str]) -> list[str]:
        """What stands for the keys here that are none of these; `forget` takes it."""
        wanted = {keyid[:SHORT] for keyid in keyids}
        return [match["short"] for _, match in self._files() if match["short"] not in wanted]

    def forget(self, keyids: Iterable[str]) -> None:
        """Delete these keys, where they are here."""
        gone = {keyid[:SHORT] for keyid in keyids}
        self._delete(path for path, match in self._files() if match["short"] in gone)

    def _delete(self, paths: Iterable[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        if self.folder.is_dir():
            sync_directory(self.folder)

    def _files(self) -> list[tuple[Path, re.Match[str]]]:
        found = sorted(self.folder.glob("*.pem")) if self.folder.is_dir() else []
        return [(path, match) for path in found if (match := NAME.fullmatch(path.name))]

    def _encode(self, private: Ed25519PrivateKey) -> bytes:
        lock = (
            pem.BestAvailableEncryption(self._passphrase)
            if self._passphrase
            else pem.NoEncryption()
        )
        return private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, lock)

    def _open(self, path: Path, keyid: str) -> CryptoSigner:
        data = path.read_bytes()
        locked = b"ENCRYPTED" in data.partition(b"\n")[0]
        if locked and not self._passphrase:
            way = f"give its passphrase in {PASSPHRASE} or {PASSPHRASE}_FILE"
            raise Invalid(f"{path} is encrypted: {way}")
        try:
            private = pem.load_pem_private_key(data, self._passphrase if locked else None)
            if not isinstance(private, Ed25519PrivateKey):
                raise TypeError("no Ed25519 key")
            signer = CryptoSigner(private)
        except (ValueError, TypeError):
            # What the library says may quote what it read.
            way = f"is {PASSPHRASE} right?" if locked else "restore it from a copy"
            raise Invalid(f"{path} does not open as an Ed25519 key: {way}") from None
        if not signer.public_key.keyid.startswith(keyid):
            raise Invalid(f"{path} holds another key than its name says; restore it from a copy")
        return signer

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(path.parent)
