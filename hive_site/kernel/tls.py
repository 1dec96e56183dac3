"""Whom this machine trusts over TLS: its own store, and the authority of a private network."""

import ssl
from functools import cache


@cache
def trusting(ca_file: str) -> ssl.SSLContext:
    """A context that checks certificates and host names; `ca_file` may add authorities, in PEM.

    Raises `OSError` or `ssl.SSLError` if they cannot be read.
    """
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
