"""Addresses without their last slash."""

from django.http import HttpResponsePermanentRedirect
from django.middleware.common import CommonMiddleware


class KeepingRedirect(HttpResponsePermanentRedirect):
    """Asks for the same method and body at the other address; after 301 clients send a GET."""

    status_code = 308


class SlashMiddleware(CommonMiddleware):
    """Django's, but a POST without the slash arrives as a POST."""

    response_redirect_class = KeepingRedirect
