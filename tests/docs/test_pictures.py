"""Pictures come light and dark, and both show the same."""

import re

import pytest

from hive_site.configuration import PROJECT

IMAGES = PROJECT / "docs" / "img"
LIGHT = sorted(path.name for path in IMAGES.glob("*-light.*"))


@pytest.mark.parametrize("name", LIGHT)
def test_a_light_picture_has_a_dark_one(name):
    assert (IMAGES / name.replace("-light.", "-dark.")).exists()


def test_the_architecture_differs_only_in_colours():
    light, dark = (
        re.sub(r"#[0-9a-f]{6}", "#", (IMAGES / f"architecture-{kind}.svg").read_text())
        for kind in ("light", "dark")
    )

    assert light == dark
