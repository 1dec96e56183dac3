import pytest
from django.core.exceptions import ImproperlyConfigured

from hive_site.kernel.env import Env


def test_a_text_is_its_value_or_the_default():
    env = Env({"HIVE_LLM_MODEL": "small"})

    assert env.text("HIVE_LLM_MODEL", "large") == "small"
    assert env.text("HIVE_LLM_KEY", "none") == "none"
    assert env.text("HIVE_LLM_KEY") == ""


def test_by_default_the_process_environment_is_read(monkeypatch):
    monkeypatch.setenv("HIVE_SAID", "yes")

    assert Env().flag("HIVE_SAID", False) is True


def test_a_value_may_come_from_a_file(tmp_path):
    path = tmp_path / "key"
    path.write_text("  s3cret\n")

    assert Env({"SECRET_KEY_FILE": str(path)}).text("SECRET_KEY") == "s3cret"
    assert Env({"N_FILE": str(path)}).listing("N") == ["s3cret"]


def test_a_value_wins_over_its_file(tmp_path):
    env = Env({"SECRET_KEY": "given", "SECRET_KEY_FILE": str(tmp_path / "missing")})

    assert env.text("SECRET_KEY") == "given"


def test_a_file_that_cannot_be_read_stops_the_start_with_its_name_and_the_way_out(tmp_path):
    path = tmp_path / "missing"

    with pytest.raises(
        ImproperlyConfigured,
        match=r"SECRET_KEY_FILE=.*missing: No such file or directory; give a readable file or SEC",
    ):
        Env({"SECRET_KEY_FILE": str(path)}).text("SECRET_KEY")


def test_a_file_that_is_no_text_stops_the_start_with_its_name(tmp_path):
    path = tmp_path / "noise"
    path.write_bytes(b"\xff\xfe\xfa")

    with pytest.raises(ImproperlyConfigured, match=r"SECRET_KEY_FILE=.*noise: .*give a readable"):
        Env({"SECRET_KEY_FILE": str(path)}).text("SECRET_KEY")


def test_a_whole_number_is_read_and_an_empty_one_is_the_default():
    assert Env({"N": "0"}).integer("N", 3) == 0
    assert Env({"N": " 12 "}).integer("N", 3) == 12
    assert Env({"N": ""}).integer("N", 3) == 3
    assert Env({}).integer("N", 3, at_least=9) == 3


@pytest.mark.parametrize("raw", ["three", "2.5", "-1", "0x10", "nan"])
def test_what_is_no_whole_number_is_named_with_the_rule(raw):
    with pytest.raises(ImproperlyConfigured, match=r"N='.*': give a whole number, 0 or more"):
        Env({"N": raw}).integer("N", 3)


def test_a_number_is_read_and_an_empty_one_is_the_default():
    assert Env({"N": "0"}).number("N", 0.5, at_most=10) == 0
    assert Env({"N": " 2.5 "}).number("N", 0.5, at_most=10) == 2.5
    assert Env({"N": ""}).number("N", 0.5, at_most=10) == 0.5


@pytest.mark.parametrize("raw", ["three", "-0.1", "10.1", "nan", "inf"])
def test_what_is_no_number_in_its_bounds_is_named_with_the_rule(raw):
    with pytest.raises(ImproperlyConfigured, match=r"N='.*': give a number, 0 to 10"):
        Env({"N": raw}).number("N", 0.5, at_most=10)


def test_a_number_below_its_least_is_named_with_the_rule():
    assert Env({"N": "1"}).integer("N", 3, at_least=1) == 1
    with pytest.raises(ImproperlyConfigured, match="N='0': give a whole number, 1 or more"):
        Env({"N": "0"}).integer("N", 3, at_least=1)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        *((raw, True) for raw in ("1", "true", "True", "YES", "on")),
        *((raw, False) for raw in ("0", "false", "No", "OFF")),
    ],
)
def test_a_flag_has_the_usual_spellings(raw, value):
    assert Env({"F": raw}).flag("F", not value) is value


def test_a_flag_that_is_empty_is_the_default():
    assert Env({"F": ""}).flag("F", True) is True
    assert Env({}).flag("F", False) is False


def test_a_flag_that_says_neither_is_named_with_the_rule():
    with pytest.raises(ImproperlyConfigured, match="F='maybe': give true or false"):
        Env({"F": "Maybe"}).flag("F", True)


def test_a_list_has_no_empty_entries():
    assert Env({"L": " a, ,b,,c ,"}).listing("L") == ["a", "b", "c"]
    assert Env({}).listing("L", "x,y") == ["x", "y"]
    assert Env({}).listing("L") == []


def test_weights_are_three_shares_of_one():
    assert Env({}).weights("W", "0.4,0.3,0.3") == (0.4, 0.3, 0.3)
    assert Env({"W": "1, 0, 0"}).weights("W", "0.4,0.3,0.3") == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "raw",
    [
        "0.5,0.5",
        "0.4,0.3,0.2,0.1",
        "0.4,0.3,0.4",
        "1.5,-0.5,0",
        "a,b,c",
        "nan,0.5,0.5",
        "0.5,nan,0.5",
        "inf,0,0",
    ],
)
def test_weights_that_do_not_add_up_are_named_with_the_rule(raw):
    with pytest.raises(ImproperlyConfigured, match=r"W='.*': give three numbers .* add up to 1"):
        Env({"W": raw}).weights("W", "0.4,0.3,0.3")
