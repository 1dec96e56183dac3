"""Every file of pools in the guide is one."""

import pytest

from hive_site.configuration import PROJECT
from nodes.autoscaling.configuration import FIELDS, OPTIONS, read_pools
from tests.documents import read_blocks

TEXT = (PROJECT / "docs" / "guide" / "autoscaling.md").read_text()
BLOCKS = [block for block in read_blocks("autoscaling.md", TEXT) if block.kind == "toml"]


def completed(text: str) -> str:
    """The document; where only the table of a provider is shown, with its pool before it."""
    if "provider =" in text:
        return text
    provider = text.split("]")[0].rpartition(".")[2]
    return f'[pools.cpu]\nprovider = "{provider}"\nmax = 1\n{text}'


@pytest.mark.parametrize("block", [pytest.param(b, id=b.name) for b in BLOCKS])
def test_it_is_read_as_it_stands(block):
    assert len(read_pools(completed(block.text))) == 1


def test_every_provider_and_every_setting_is_told():
    told = {provider for provider in OPTIONS if f"### `{provider}`" in TEXT}

    assert told == set(OPTIONS)
    assert [name for name in FIELDS if f"`{name}`" not in TEXT] == []
    assert [
        f"{provider}.{name}"
        for provider, options in OPTIONS.items()
        for name in options
        if f"{name} = " not in TEXT
    ] == []
