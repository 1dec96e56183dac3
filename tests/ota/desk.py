"""A desk that signs with a rubber stamp, and a Nexus's directory for one test."""

import json
from dataclasses import replace

import pytest
from django.conf import settings

from ota.domain.trust import Untrusted
from ota.trust import nexus


class FakeDesk:
    """Remembers what it signed for; takes what operators signed unless it says `forged`."""

    #: Nobody asks a stamp about expiries.
    exists = False

    def __init__(self):
        self.targets = {}
        self.broken = ""

    def ensure(self, now):
        pass

    def add_dev(self, path, length, sha256, custom, now):
        if self.broken:
            raise RuntimeError(self.broken)
        self.targets[path] = (length, sha256, custom)
        return ["dev-key"]

    def add_signed(self, envelope, path, length, sha256, now):
        signed = json.loads(envelope)
        if signed["signatures"] != "good":
            raise Untrusted("signature", "not signed with a key of the role targets")
        self.targets[path] = (length, sha256, signed["signed"]["targets"][path]["custom"])
        return ["release-key"]

    def remove_dev(self, path, now):
        self.targets.pop(path, None)


@pytest.fixture
def nexus_data(tmp_path, monkeypatch):
    """The data directory of the Nexus, for this test alone."""
    monkeypatch.setattr(settings, "HIVE", replace(settings.HIVE, data=tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def desk(db, nexus_data, monkeypatch):
    """A desk that signs for everything."""
    found = FakeDesk()
    monkeypatch.setattr(nexus, "open_repository", lambda: found)
    return found
