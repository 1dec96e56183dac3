"""`hive invite` here, `hive join` there, `hive revoke` here."""

import hashlib
import json
import shlex
import stat
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.utils import timezone

from hive_site.joined_home import read_home
from nodes import access
from nodes.invitations import Wish, invite
from nodes.joining_models import Invite, NodeCredential
from nodes.models import Node

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(redis, settings, tmp_path):
    settings.HIVE = replace(
        settings.HIVE, redis_acl="off", data=tmp_path, nexus_url="https://hive.example"
    )
    settings.REDIS_URL = "rediss://:shared@redis.example:6379/0"


def hive(capsys, *argv):
    """What a command wrote, and its exit code."""
    try:
        call_command("hive", *argv)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def test_an_invitation_prints_one_line_that_works_as_it_is(capsys):
    code, out, err = hive(capsys, "invite", "--name", "gpu-1", "--label", "site=lab")

    words = shlex.split(out)
    made = Invite.objects.get()
    assert (code, out.count("\n")) == (0, 1)
    assert words[:6] == ["python", "manage.py", "hive", "join", "--nexus", "https://hive.example"]
    assert words[6] == "--token"
    assert (made.name, made.labels, made.channels) == ("gpu-1", {"site": "lab"}, ["stable"])
    assert "Good once, until" in err
    assert words[7] not in err


def test_with_a_private_authority_the_line_names_it(capsys, settings, tmp_path):
    (tmp_path / "ca.pem").write_text("a certificate")
    settings.HIVE = replace(settings.HIVE, ca_file=str(tmp_path / "ca.pem"))

    _, out, _ = hive(capsys, "invite")

    digest = hashlib.sha256(b"a certificate").hexdigest()
    assert shlex.split(out)[8:] == ["--ca-sha256", digest]


def test_what_would_keep_others_out_is_said(capsys, settings):
    settings.HIVE = replace(settings.HIVE, nexus_url="http://127.0.0.1:8000")
    settings.REDIS_URL = "redis://:pw@127.0.0.1:6379/0"

    _, _, err = hive(capsys, "invite")

    assert "set HIVE_NEXUS_URL" in err
    assert "set HIVE_JOIN_REDIS_URL" in err
    assert "pw@" not in err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--ttl", "0"), "good for 0 s: give 1 to 2592000 seconds"),
        (("--name", "a b"), "letters, digits"),
        (("--slots", "0"), "1 to 256"),
        (("--channels", "beta"), "dev, stable"),
    ],
)
def test_a_wrong_wish_is_wrong_use(capsys, argv, said):
    code, out, err = hive(capsys, "invite", *argv)

    assert (code, out) == (2, "")
    assert said in err


@pytest.fixture
def nexus(transactional_db, live_server):
    return live_server.url


def token(**wish):
    return invite(Wish(**wish), ttl=60, who="ann", now=timezone.now())[1]


def join(capsys, nexus, secret, home, *more):
    return hive(capsys, "join", "--nexus", nexus, "--token", secret, "--home", str(home), *more)


def test_joining_leaves_a_home_that_starts_by_itself(capsys, nexus, tmp_path):
    secret = token(name="gpu-1", slots=3, labels={"site": "lab"}, channels=["dev", "stable"])

    code, out, err = join(
        capsys, nexus, secret, tmp_path / "h", "--label", "rack=7", "--slots", "2"
    )

    kept = read_home(tmp_path / "h")
    assert code == 0, err
    assert f"rqworker --home {tmp_path / 'h'}" in out
    assert kept == {
        "HIVE_NODE_NAME": "gpu-1",
        "HIVE_NODE_KEY": kept["HIVE_NODE_KEY"],
        "HIVE_NEXUS_URL": nexus,
        "REDIS_URL": "rediss://:shared@redis.example:6379/0",
        "HIVE_OTA_CHANNELS": "dev,stable",
        "HIVE_NODE_SLOTS": "2",
        "HIVE_NODE_LABELS": '{"site": "lab", "rack": "7"}',
    }
    assert kept["HIVE_NODE_KEY"] not in out + err


def test_the_same_line_again_does_no_harm(capsys, nexus, tmp_path):
    secret = token(name="gpu-1")
    join(capsys, nexus, secret, tmp_path / "h")
    before = read_home(tmp_path / "h")

    code, _, err = join(capsys, nexus, secret, tmp_path / "h")

    assert (code, read_home(tmp_path / "h")) == (0, before), err


def test_an_answer_that_never_arrived_is_got_by_the_same_line(capsys, nexus, tmp_path, monkeypatch):
    secret = token(name="gpu-1")
    with monkeypatch.context() as patch:
        patch.setattr("hive_site.joined_home.write_home", lambda *_: 1 / 0)  # it is killed here
        with pytest.raises(ZeroDivisionError):
            join(capsys, nexus, secret, tmp_path / "h")
    assert NodeCredential.objects.get().generation == 2

    code, _, err = join(capsys, nexus, secret, tmp_path / "h")

    assert code == 0, err
    assert NodeCredential.objects.get().generation == 2


def test_from_another_directory_the_token_is_used_up(capsys, nexus, tmp_path):
    secret = token(name="gpu-1")
    join(capsys, nexus, secret, tmp_path / "h")

    code, out, err = join(capsys, nexus, secret, tmp_path / "thief")

    assert (code, out) == (1, "")
    assert "was used already, by node gpu-1" in err
    assert not (tmp_path / "thief" / "spore.env").exists()


def test_a_unit_is_written_on_request(capsys, nexus, tmp_path):
    code, out, err = join(capsys, nexus, token(name="gpu-1"), tmp_path / "h", "--systemd")

    unit = tmp_path / "h" / "hive-spore.service"
    assert code == 0, err
    assert f"rqworker --home {tmp_path / 'h'}\n" in unit.read_text()
    assert f"install -m 0644 {unit} /etc/systemd/system/" in out


def test_programs_get_json(capsys, nexus, tmp_path):
    _, out, _ = join(capsys, nexus, token(name="gpu-1"), tmp_path / "h", "--json")

    told = json.loads(out)
    assert (told["node"], told["generation"], told["home"]) == ("gpu-1", 2, str(tmp_path / "h"))


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--nexus", "hive.example"), 2, "give an address like https://"),
        (("--name", "a b"), 2, "letters, digits"),
        (("--slots", "0"), 2, "1 to 256"),
        (("--label", "x"), 2, "key=value"),
        (("--ca-sha256", "abc"), 2, "64 hexadecimal digits"),
        (("--nexus", "http://127.0.0.1:1"), 1, "no Nexus at http://127.0.0.1:1"),
    ],
)
def test_what_is_wrong_is_said_before_the_token_is_used(capsys, tmp_path, more, code, said):
    secret = token(name="gpu-1")

    ended, out, err = join(capsys, "http://127.0.0.1:1", secret, tmp_path / "h", *more)

    assert (ended, out) == (code, "")
    assert said in err
    assert secret not in err
    assert Invite.objects.get().used_at is None


def test_a_home_that_cannot_be_is_said(capsys, nexus, tmp_path):
    (tmp_path / "file").write_text("")

    code, _, err = join(capsys, nexus, token(name="a"), tmp_path / "file" / "h")

    assert code == 2
    assert "give a directory that can be written" in err


def test_the_home_belongs_to_its_owner_alone(capsys, nexus, tmp_path):
    join(capsys, nexus, token(name="a"), tmp_path / "h", "--systemd")

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "h").iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_revoking_says_what_it_did_and_the_way_back(capsys):
    Node.objects.create(name="spore-1")

    code, out, err = hive(capsys, "revoke", "spore-1")

    assert code == 0
    assert out.startswith("spore-1 is revoked: it knows the password of Redis that all share")
    assert "hive invite --name spore-1" in err


def test_of_a_pool_s_node_it_says_whose_way_into_redis_is_left(capsys, settings, monkeypatch):
    settings.HIVE = replace(settings.HIVE, redis_acl="auto", redis_pools=["ants"])
    monkeypatch.setattr(access, "expel", lambda client, guest: False)
    Node.objects.create(name="ants--1")

    _, out, _ = hive(capsys, "revoke", "ants--1")

    assert "still comes into Redis as pool:ants: change that key" in out


def test_nobody_of_that_name_is_a_failure(capsys):
    code, out, err = hive(capsys, "revoke", "nobody")

    assert (code, out) == (1, "")
    assert "no node is named 'nobody'" in err
