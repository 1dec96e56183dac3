"""Where an address leads: this machine, a private network, or anywhere."""

import ipaddress
import socket


def is_here(host: str) -> bool:
    """Whether only this machine has the address. A name that is none leads elsewhere."""
    return all(address.is_loopback for address in _addresses(host))


def is_public(host: str) -> bool:
    """Whether the way there leads through networks of others."""
    return any(address.is_global for address in _addresses(host))


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        return [ipaddress.ip_address(host.strip("[]"))]
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    except (OSError, ValueError, UnicodeError):
        return [ipaddress.ip_address("0.0.0.0")]  # noqa: S104 # nosec B104  # nowhere at all
