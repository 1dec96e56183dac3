"""Private keys: for their owner's eyes, and as good as they were made."""

import pytest

from hive_site.kernel.errors import Invalid
from ota.trust.keyring import Keyring


def only(folder):
    (path,) = folder.glob("*.pem")
    return path


def test_keys_are_readable_by_their_owner_only(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)

    Keyring(folder).make("root")

    assert only(folder).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_key_is_found_by_its_id(tmp_path):
    keys = Keyring(tmp_path)
    made, other = keys.make("root"), keys.make("targets")

    (found,) = keys.signers([made.public_key.keyid])

    assert found.public_key == made.public_key
    assert keys.of("targets")[0].public_key == other.public_key
    assert keys.holds(["f" * 64, other.public_key.keyid]) == [other.public_key.keyid]


def test_a_passphrase_locks_what_is_made(tmp_path):
    made = Keyring(tmp_path, "swarm").make("root")

    (found,) = Keyring(tmp_path, "swarm").of("root")

    assert found.public_key == made.public_key
    assert b"ENCRYPTED" in only(tmp_path).read_bytes()


@pytest.mark.parametrize(("passphrase", "way"), [("", "HIVE_OTA_PASSPHRASE"), ("bee", "right?")])
def test_a_locked_key_does_not_open_without_its_passphrase(tmp_path, passphrase, way):
    Keyring(tmp_path, "swarm").make("root")

    with pytest.raises(Invalid, match="HIVE_OTA_PASSPHRASE") as fact:
        Keyring(tmp_path, passphrase).of("root")

    assert way in str(fact.value)


def test_a_damaged_key_is_told_without_what_is_in_it(tmp_path):
    Keyring(tmp_path).make("root")
    path = only(tmp_path)
    secret = path.read_text().splitlines()[1]
    path.write_text(path.read_text().replace("-----END", "-----BEND"))

    with pytest.raises(Invalid, match="restore it") as fact:
        Keyring(tmp_path).of("root")

    assert secret[:20] not in str(fact.value)
    assert fact.value.__cause__ is None


def test_a_key_under_anothers_name_is_refused(tmp_path):
    keys = Keyring(tmp_path)
    keys.make("root")
    first = only(tmp_path)
    first.rename(tmp_path / f"root-{'0' * 16}.pem")

    with pytest.raises(Invalid, match="another key"):
        keys.of("root")


def test_a_key_that_is_forgotten_is_gone(tmp_path):
    keys = Keyring(tmp_path)
    gone, kept = (keys.make("root").public_key.keyid for _ in range(2))

    keys.forget(keys.unused([kept]))
    keys.forget([gone])

    assert keys.holds([gone, kept]) == [kept]
