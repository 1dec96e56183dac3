"""`ota keys` and `ota sign`, as people use them."""

import json

import pytest

from ota.commands import sign
from ota.trust.nexus import open_repository
from tests.ota.commands.running import Ota
from tests.ota.trust.packages import package
from tests.ota.trust.places import NOW, add_dev, node, refresh


@pytest.fixture
def ota(capsys, settings, tmp_path, monkeypatch):
    for name in ("HIVE_OTA_PASSPHRASE", "HIVE_OTA_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    ota = Ota(capsys, settings)
    ota.use(tmp_path / "nexus")
    return ota


@pytest.fixture
def repository(ota):
    repository = open_repository()
    repository.ensure(NOW)
    return repository


def roles_of(document):
    return {role["name"]: role for role in document["roles"]}


def test_a_quick_start_is_listed_with_what_to_do(ota, repository):
    code, out, _ = ota("keys", "list")

    assert code == 0
    assert out.count("ota keys init --dir KEYS") == 2
    assert [line.split()[0] for line in out.splitlines() if line[0] != " "] == [
        *("root", "targets", "dev", "snapshot", "timestamp")
    ]


def test_init_ends_the_quick_start(ota, repository, tmp_path):
    store = node(tmp_path, repository)

    done = ota.json("keys", "init", "--dir", tmp_path / "KEYS")

    roles = roles_of(ota.json("keys", "list", "--dir", tmp_path / "KEYS"))
    assert done["moved"]
    assert roles["root"]["in_dir"] == roles["root"]["keys"] == done["keys"]["root"]
    assert roles["root"]["on_nexus"] == roles["targets"]["on_nexus"] == []
    assert not any(role["alarm"] for role in roles.values())
    refresh(store, repository)
    assert store.root_version() == 2


def test_trust_moves_to_another_machine(ota, repository, tmp_path):
    told = tmp_path / "nexus.json"
    told.write_text(json.dumps(ota.json("keys", "list")))
    ota.use(tmp_path / "far")
    code, out, _ = ota("keys", "init", "--dir", tmp_path / "KEYS", "--nexus", told)
    assert (code, "never *.pem" in out) == (0, True)
    assert ota.json("keys", "rotate", "root", "--dir", tmp_path / "KEYS")["replaced"]
    ota.use(tmp_path / "nexus")

    done = ota.json("keys", "add", "--root", tmp_path / "KEYS/root.json")

    assert done["roots"] == 2
    assert len(done["deleted"]) == 2
    assert "nothing there is newer" in ota("keys", "add", "--root", tmp_path / "KEYS/root.json")[1]
    roles = roles_of(ota.json("keys", "list"))
    assert (roles["root"]["version"], roles["root"]["on_nexus"]) == (3, [])


def test_keys_alone_are_made_where_there_is_no_nexus(ota, tmp_path):
    code, out, _ = ota("keys", "init", "--dir", tmp_path / "KEYS")

    assert code == 0
    assert "this machine has no Nexus" in out
    assert len(list((tmp_path / "KEYS").iterdir())) == 2


def test_a_package_is_signed_and_says_where_it_goes(ota, repository, tmp_path):
    ota("keys", "init", "--dir", tmp_path / "KEYS")
    path = package(tmp_path / "p")

    code, out, _ = ota("sign", path, "--keys", tmp_path / "KEYS")
    again = ota.json("sign", path, "--keys", tmp_path / "KEYS")

    assert code == 0
    assert f"ota publish {path} --channel stable" in out
    assert again["target"] == "stable/hive-000001-1.0.zip"
    assert (again["missing"], again["sidecar"]) == (0, f"{path}.targets.json")


def test_a_missing_signature_is_told(ota, repository, tmp_path):
    keys = tmp_path / "KEYS"
    ota("keys", "init", "--dir", keys)
    added = ota.json("keys", "add", "--dir", keys, "--threshold", "2")["key"]
    next(keys.glob(f"targets-{added[:16]}.pem")).unlink()

    code, out, _ = ota("sign", package(tmp_path / "p"), "--keys", keys)

    assert (code, "1 more signature needed" in out) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["keys"], 2, "ACTION"),
        (["keys", "add"], 2, "--dir --root"),
        (["keys", "add", "--root", "x", "--role", "root"], 2, "no --role"),
        (["keys", "rotate", "queen", "--dir", "KEYS"], 2, "queen"),
        (["keys", "add", "--root", "nowhere.json"], 1, "nowhere.json: No such file"),
        (["keys", "add", "--root", "broken.json"], 1, "malformed"),
        (["keys", "init", "--dir", "KEYS", "--nexus", "broken.json"], 2, "keys list --json"),
        (["keys", "rotate", "root", "--dir", "EMPTY"], 1, "needs the signatures"),
        (["sign", "broken.json", "--keys", "secrets"], 2, "no package"),
        (["sign", "broken.json"], 2, "--keys"),
        (["fly"], 2, "fly"),
    ],
)
def test_mistakes_are_told_in_a_line(
    ota, repository, tmp_path, monkeypatch, words, code, said, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")

    found, out, err = ota(*words)

    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_without_metadata_the_list_says_who_makes_them(ota):
    code, _, err = ota("keys", "list")

    assert (code, "hive up" in err) == (1, True)


def test_a_passphrase_locks_the_operators_keys_and_not_the_nexus(
    ota, repository, tmp_path, monkeypatch
):
    keys, own = tmp_path / "KEYS", repository.keys.folder
    monkeypatch.setenv("HIVE_OTA_PASSPHRASE", "swarm")
    ota("keys", "init", "--dir", keys)
    ota("keys", "rotate", "timestamp", "--dir", keys)
    path = package(tmp_path / "p")

    assert all(b"ENCRYPTED" in pem.read_bytes() for pem in keys.glob("*.pem"))
    assert not any(b"ENCRYPTED" in pem.read_bytes() for pem in own.glob("*.pem"))
    assert ota("sign", path, "--keys", keys)[0] == 0
    add_dev(repository)
    monkeypatch.delenv("HIVE_OTA_PASSPHRASE")
    code, _, err = ota("sign", path, "--keys", keys)
    assert (code, "HIVE_OTA_PASSPHRASE" in err) == (2, True)


def test_no_secret_is_ever_printed(ota, repository, tmp_path, monkeypatch):
    keys = tmp_path / "KEYS"
    monkeypatch.setenv("HIVE_OTA_PASSPHRASE", "swarm-of-bees")
    path, secrets, said = package(tmp_path / "p"), set(), ""
    for words in (
        ["keys", "init", "--dir", keys],
        ["keys", "add", "--dir", keys, "--threshold", "2"],
        ["keys", "rotate", "dev", "--dir", keys],
        ["keys", "list", "--dir", keys, "--json"],
        ["sign", path, "--keys", keys, "--json"],
        ["keys", "rotate", "root", "--dir", keys, "--json"],
    ):
        pems = [*keys.glob("*.pem"), *repository.keys.folder.glob("*.pem")]
        secrets |= {line for pem in pems for line in pem.read_text().splitlines()[1:-1]}
        code, out, err = ota(*words)
        assert code == 0, err
        said += out + err
    said += "".join(kept.read_text() for kept in keys.glob("*.json"))

    assert len(secrets) > 8
    assert not any(secret in said for secret in secrets)
    assert "swarm-of-bees" not in said


def test_help_tells_how_trust_is_carried_over(ota, capsys):
    code, out, _ = ota("keys", "--help")

    assert code == 0
    assert "ota keys add --root KEYS/root.json" in out
    assert sign.HELP in ota("--help")[1]
