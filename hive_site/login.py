"""The way in with a password, which cannot be guessed at will."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from hive_site.kernel.limits import Limiter, parse_rate
from nodes.inbox import hurried_client


def _limiter(what: str, text: str) -> Limiter:
    return Limiter(what, parse_rate(text), client=hurried_client)


_by_name = _limiter("login", settings.LOGIN_GUESSES)
_by_address = _limiter("logins", settings.LOGIN_GUESSES_IN_ALL)


class LimitedLoginView(LoginView):
    """Django's login; whoever guesses too often waits, and so does the name that is guessed."""

    template_name = "hive_site/login.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Log in; 429 after too many guesses, also for the right password."""
        # Counted before it is checked, so that a hundred guesses at once are a hundred guesses.
        seconds = _by_name.take(*self._who()) or _by_address.look(self._address())
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
        return self.request.POST.get("username", "").casefold(), self._address()

    def _address(self) -> str:
        return str(self.request.META.get("REMOTE_ADDR", ""))
