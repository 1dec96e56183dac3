"""Whether somebody is known at all, before much is read of what they send."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from hive_site.kernel.outages import OUTAGES
from hive_site.kernel.signed_requests import SCHEME
from hive_site.live.visitors import Forbidden, Pass, find_key, find_person, read_pass
from jobs.reader_threads import in_thread
from nodes.api.node_signatures import NodeAuthentication


async def is_known(scope: Mapping[str, Any]) -> bool:
    """Whether an ASGI request comes from a key, a node or a person with a session.

    What they may do is asked later. While the database is away, everybody is known.
    """
    return await in_thread(partial(_is_known, read_pass(scope["headers"]), scope))


def _is_known(shown: Pass, scope: Mapping[str, Any]) -> bool:
    try:
        if shown.authorization.partition(" ")[0] == SCHEME:
            return NodeAuthentication().authenticate(_request(shown, scope)) is not None
        find = find_key if shown.authorization else find_person
        return find(shown) is not None
    except (Forbidden, AuthenticationFailed):
        return False
    except OUTAGES:
        return True


def _request(shown: Pass, scope: Mapping[str, Any]) -> Request:
    """As much of a request as a node signs."""
    request = HttpRequest()
    request.method, request.path = scope["method"], scope["path"]
    request.path_info = scope["path"]
    request.META["HTTP_AUTHORIZATION"] = shown.authorization
    return Request(request)
