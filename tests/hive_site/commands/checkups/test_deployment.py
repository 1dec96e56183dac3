import pytest

from hive_site.commands.checkups.deployment import check_deployment

FAR, HERE = "https://hive.example", "http://127.0.0.1:8000"


def verdicts(url, *, debug=False, hosts=("hive.example", "127.0.0.1"), https=False):
    found = check_deployment(url, debug=debug, hosts=hosts, https=https)
    return [each.verdict for each in found]


def test_a_laptop_and_a_site_behind_tls_are_fine():
    assert verdicts(HERE) == ["ok", "ok", "ok"]
    assert verdicts(FAR, https=True) == ["ok", "ok", "ok"]


@pytest.mark.parametrize(("url", "verdict"), [(HERE, "warn"), ("https://10.0.0.7", "bad")])
def test_debug_is_worse_where_others_look(url, verdict):
    assert verdicts(url, debug=True)[0] == verdict


@pytest.mark.parametrize("hosts", [("*",), (), ("localhost",), ("example",), ("other.example",)])
def test_the_site_answers_under_its_own_name_and_no_other(hosts):
    assert verdicts(FAR, hosts=hosts, https=True)[1] == "bad"


def test_a_domain_allows_what_is_below_it():
    assert verdicts(FAR, hosts=(".example",), https=True)[1] == "ok"


@pytest.mark.parametrize(
    ("url", "https", "verdict"),
    [(FAR, False, "bad"), ("http://10.0.0.7:8000", False, "warn"), (HERE, True, "warn")],
)
def test_keys_and_cookies_travel_where_nobody_listens(url, https, verdict):
    assert verdicts(url, https=https)[2] == verdict
