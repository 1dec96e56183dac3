import pytest

from hive_site.commands.mcp import listen
from hive_site.kernel.errors import Invalid


@pytest.mark.parametrize("host", ["é..x", "a\0b", "x" * 300])
def test_what_can_be_no_host_is_told_with_its_name(host):
    with pytest.raises(Invalid, match="--http"):
        listen(host, 0)
