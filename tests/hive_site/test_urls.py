"""Addresses that no app has."""


def test_a_browser_that_asks_for_an_icon_by_itself_is_shown_ours(client):
    assert client.get("/favicon.ico").headers["Location"].endswith("/hive.svg")
