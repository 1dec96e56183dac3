"""How much one caller may ask: `HIVE_API_RATE`, then 429 (CONTRACT §6)."""

import math
from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from hive_site.kernel.limits import Limiter, parse_rate
from nodes.inbox import hurried_client


def _make_limiter(rate: str) -> Limiter | None:
    return Limiter("api", parse_rate(rate), client=hurried_client) if rate else None


limiter = _make_limiter(settings.HIVE.api_rate)


class CallerThrottle(BaseThrottle):
    """One allowance for each API key and each person, whatever they ask for."""

    _wait = 0.0

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the caller may go on."""
        if limiter is None:
            return True
        who = request.user.get_username() if request.user else self.get_ident(request)
        self._wait = limiter.take(who)
        return not self._wait

    def wait(self) -> float:
        """Seconds until it may."""
        return math.ceil(self._wait)
