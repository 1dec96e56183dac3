"""Which addresses of the internet the Hive may talk to: the public ones."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from jobs.outcomes import Fail

#: RFC 6052: how IPv6-only networks write an IPv4 address.
NAT64 = IPv6Network("64:ff9b::/96")
#: What Python takes for public, depending on its version, and what is not.
NOT_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "168.63.129.16/32",  # what Azure answers its own machines at, secrets of theirs included
        "192.0.0.0/24",  # IETF protocols; Oracle's cloud once had its metadata there
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "64:ff9b:1::/48",  # NAT64 of a network of one's own (RFC 8215)
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segments of routes (RFC 9602)
    )
)
#: One to four numbers, each decimal, octal or hexadecimal (inet_aton(3)).
ODD_IPV4 = re.compile(r"(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+)){0,3}")


def resolve(host: str, *, port: int, allow_private: bool) -> list[str]:
    """The addresses of a host, the best first.

    Raises `Fail` if one of them is not public or the name can be none, `OSError` if it is not
    known now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise Fail(f"{host!r} can be no host's name: {error}") from error
    addresses = list(dict.fromkeys(str(row[4][0]) for row in found))
    for address in addresses:
        if not (allow_private or is_public(address)):
            way = "set HIVE_ALLOW_PRIVATE_ADDRESSES=true on this machine if it may talk to it"
            raise Fail(f"{host} is at {address}, which is not public; {way}")
    return addresses


def is_private_name(host: str) -> bool:
    """Whether a URL's host is plainly not public, without asking a name server.

    An address in any spelling that the system's resolver takes, like 127.1 or 0x7f000001, counts
    as one; so does every name of this machine itself.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = str(ip_address(name.partition("%")[0]))
    except ValueError:
        if not ODD_IPV4.fullmatch(name):
            return False
        try:
            address = socket.inet_ntoa(socket.inet_aton(name))
        except OSError:
            return False
    return not is_public(address)


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, looking into addresses that wrap one."""
    address = ip_address(text.partition("%")[0])
    if any(address in network for network in NOT_PUBLIC):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if wrapped := _wrapped(address):
        return is_public(str(wrapped))
    odd = address.is_multicast or address.is_reserved or address.is_site_local
    return address.is_global and not odd


def _wrapped(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
