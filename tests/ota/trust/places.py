"""A Nexus's repository and nodes in temporary directories."""

from datetime import UTC, datetime, timedelta

from ota.spore.trust import TrustStore
from ota.trust.repository import Repository

#: tuf itself looks at the machine's clock, so the tests' time is the true one.
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
SHA = "a" * 64


def nexus(tmp_path, now=NOW):
    repository = Repository(tmp_path / "metadata", tmp_path / "secrets")
    repository.ensure(now)
    return repository


def node(tmp_path, repository, name="node"):
    store = TrustStore(tmp_path / name)
    store.pin(repository.root())
    return store


def custom(channel="dev", seq=1, version="1.0", **more):
    return {"hive": {"schema": 1, "channel": channel, "seq": seq, "version": version, **more}}


def path_of(channel="dev", seq=1, version="1.0"):
    return f"{channel}/hive-{seq:06d}-{version}.zip"


def add_dev(repository, seq=1, version="1.0", now=NOW, sha256=SHA):
    path = path_of("dev", seq, version)
    repository.add_dev(path, 100, sha256, custom("dev", seq, version), now)
    return path


def refresh(store, repository, now=NOW):
    store.refresh(repository.bundle(store.root_version()), now)
