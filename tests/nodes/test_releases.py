import pytest

from nodes.releases import Releases


@pytest.mark.parametrize(
    ("wish", "release", "fits"),
    [
        ("1.4", "1.4", True),
        ("1.4", "1.4.0", True),
        ("1.4", "1.4.1", False),
        ("1.4.0+lab.7", "1.4.0", False),
        ("nightly", "nightly", True),
        ("nightly", "1.4", False),
        (">=1.4", "1.4", True),
        (">=1.4", "1.10", True),
        (">=1.4", "1.3.9", False),
        (">=1.4", "1.4rc1", False),
        (">1.4", "1.5rc1", True),
        (">=1.4, <2", "1.9", True),
        (">=1.4,<2", "2.0", False),
        ("~=1.4.2", "1.4.9", True),
        ("~=1.4.2", "1.5", False),
        ("!=1.4", "1.5", True),
        (">=1.4", "nightly", False),
        (">=1.4", "", False),
        ("===nightly", "nightly", False),
    ],
)
def test_a_release_fits_by_its_name_or_by_its_version(wish, release, fits):
    assert Releases.read(wish).admits(release) is fits


@pytest.mark.parametrize(
    "text",
    ["", " ", ">=", ">= x y", "1 4", "=>1.4", 1.4, None, [], "x" * 65, "é", "-1", ",", " , "],
)
def test_what_is_no_wish_is_refused_with_the_rule(text):
    with pytest.raises(ValueError, match="give a release like"):
        Releases.read(text)


def test_it_reads_as_it_was_asked_for():
    assert str(Releases.read(">=1.4, <2")) == ">=1.4, <2"
