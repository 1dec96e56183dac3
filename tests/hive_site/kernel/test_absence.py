import sys

import pytest

from hive_site.kernel.absence import absent


def test_meanwhile_there_is_no_such_package(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    with absent("colorsys"), pytest.raises(ImportError):
        import colorsys

    import colorsys

    assert colorsys.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_what_is_there_already_stays_there():
    with absent("json"):
        import json

    assert sys.modules["json"] is json


def test_even_if_something_fails_the_package_comes_back(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    with pytest.raises(ZeroDivisionError), absent("colorsys"):
        _ = 1 / 0

    assert "colorsys" not in sys.modules
