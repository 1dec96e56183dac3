import pytest

from hive_site.kernel.errors import Invalid
from hive_site.stack.readiness import require_free_port


@pytest.mark.parametrize("host", ["nonsense..host", "203.0.113.9", "a" * 300])
@pytest.mark.parametrize("port", [0, 8123])
def test_an_address_that_is_not_ours_is_said_with_the_way_out(host, port):
    with pytest.raises(Invalid, match=f"cannot listen on {host}:{port}: .*; give another --port"):
        require_free_port(host, port)


def test_any_port_of_our_own_address_will_do():
    require_free_port("127.0.0.1", 0)
