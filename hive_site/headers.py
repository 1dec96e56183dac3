"""What every answer tells browsers and caches beside what Django tells them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

#: Pages of ours ask for none of these, and nobody else's may in their name.
PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "usb"),
    )
)
DEFAULTS = {
    "Permissions-Policy": PERMISSIONS,
    # Other sites may not even load what is here, as an image or a script.
    "Cross-Origin-Resource-Policy": "same-origin",
    # What is here depends on who asks. Files that may be kept come from before this.
    "Cache-Control": "private, no-store",
}


class HeadersMiddleware:
    """Adds these to answers that do not say otherwise."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._next = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer of the site."""
        answer = self._next(request)
        for name, value in DEFAULTS.items():
            answer.headers.setdefault(name, value)
        return answer
