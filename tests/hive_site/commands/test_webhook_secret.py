import json

import pytest
from django.core.exceptions import ImproperlyConfigured
from standardwebhooks import Webhook

from hive_site.commands import webhook_secret
from hive_site.kernel.env import Env
from hive_site.own_secrets import find_webhook_secret


def test_the_secret_is_made_once_and_kept_for_its_owner_only(tmp_path):
    path = tmp_path / "secrets" / "webhook_secret"

    first, again = (find_webhook_secret(Env({}), path) for _ in range(2))

    assert first == again
    assert first.startswith("whsec_")
    assert path.stat().st_mode & 0o777 == 0o600
    Webhook(first)


def test_each_hive_has_its_own(tmp_path):
    made = {find_webhook_secret(Env({}), tmp_path / name / "s") for name in "ab"}

    assert len(made) == 2


@pytest.mark.parametrize("value", ["secret", "whsec_", "whsec_QUFB", "whsec_%%%", "QUFB" * 10])
def test_a_secret_that_is_none_stops_the_start_and_is_not_repeated(tmp_path, value):
    with pytest.raises(ImproperlyConfigured, match="HIVE_WEBHOOK_SECRET: give whsec_") as refusal:
        find_webhook_secret(Env({"HIVE_WEBHOOK_SECRET": value}), tmp_path / "s")
    assert value == "whsec_" or value not in str(refusal.value)


def test_the_command_prints_it_alone(settings, capsys):
    assert webhook_secret.run({"json": False}) == 0
    plain = capsys.readouterr()
    webhook_secret.run({"json": True})

    assert plain.out == settings.HIVE_WEBHOOK_SECRET + "\n"
    assert json.loads(capsys.readouterr().out) == {"webhook_secret": settings.HIVE_WEBHOOK_SECRET}
