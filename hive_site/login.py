"""The way in with a password, which cannot be guessed at will."""

import hashlib
import math
import unicodedata
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from hive_site.kernel.limits import Limiter, parse_rate
from nodes.inbox import hurried_client

#: No user's name is longer (django.contrib.auth), so what follows makes no difference.
MOST_CHARS = 255
#: What one customer of a provider has to itself (RFC 6177): as good as one address of IPv4.
NETWORK_BITS = 64


def _limiter(what: str, text: str) -> Limiter:
    return Limiter(what, parse_rate(text), client=hurried_client)


_by_name = _limiter("login", settings.LOGIN_GUESSES)
_by_address = _limiter("logins", settings.LOGIN_GUESSES_IN_ALL)


class LimitedLoginView(LoginView):
    """Django's login; whoever guesses too often waits, and so does the name that is guessed."""

    template_name = "hive_site/login.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Log in; 429 after too many guesses, also for the right password."""
        # The address first: whoever may not guess any more leaves nothing in Redis. The name is
        # counted before it is checked, so that a hundred guesses at once are a hundred guesses.
        seconds = _by_address.look(self._address()) or _by_name.take(*self._who())
        if seconds:
            return self._refuse(seconds)
        answer: HttpResponseBase = super().post(request, *args, **kwargs)
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Come in; the guesses so far were typing errors."""
        _by_name.forget(*self._who())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """A guess that failed."""
        _by_address.take(self._address())
        return super().form_invalid(form)

    def _refuse(self, seconds: float) -> HttpResponse:
        wait = math.ceil(seconds)
        context = self.get_context_data(form=self.get_form_class()(self.request), wait=wait)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(wait)})

    def _who(self) -> tuple[str, str]:
        return fold_name(self.request.POST.get("username", "")), self._address()

    def _address(self) -> str:
        return fold_address(str(self.request.META.get("REMOTE_ADDR", "")))


def fold_name(name: str) -> str:
    """What stands for a name, however it is spelt: short, whatever somebody sends as one."""
    folded = unicodedata.normalize("NFKC", name[:MOST_CHARS]).casefold()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()


def fold_address(text: str) -> str:
    """The address that guesses count for; of IPv6 its network, which has addresses without end."""
    try:
        address = ip_address(text)
    except ValueError:  # a socket of the system has none
        return text
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), NETWORK_BITS), strict=False))
