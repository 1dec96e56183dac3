"""The way in with a link that works once."""

import re

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from nodes.login_links import redeem

#: Who fetches links that people send to each other, to show what is behind them.
PREVIEWERS = re.compile(
    r"bot\b|crawl|spider|preview|unfurl|embed|facebookexternalhit|whatsapp", re.I
)
#: Browsers that load a page before anybody has asked for it say so in one of these.
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


@never_cache
def login_by_link(request: HttpRequest, token: str) -> HttpResponse:
    """Log in with a link that works once. Whoever only looks what it is does not use it up: they
    get a page with a button."""
    if request.method != "POST" and only_looks(request):
        return render(request, "hive_site/login_link.html")
    user = redeem(token)
    if user is None:
        messages.error(request, "This link was used before, or its hour is over.")
        return redirect("login")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return redirect("overview")


def only_looks(request: HttpRequest) -> bool:
    """Whether a request comes from a preview of a link, and not from somebody who follows it."""
    said = " ".join(request.headers.get(name, "") for name in PURPOSES)
    agent = request.headers.get("User-Agent", "")
    return request.method == "HEAD" or bool(said.strip()) or bool(PREVIEWERS.search(agent))
