from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from hive_site import health, metrics
from hive_site.login import LimitedLoginView
from hive_site.pages.entry import login_by_link
from nodes.api.joining import AuthoritiesView, JoinView
from nodes.api.permissions import HasScope
from ota.repositories import find_root

# Swagger styles itself as it goes; its script is a file, as all are.
styled = csp_update({"style-src": ["'unsafe-inline'"]})
swagger = styled(
    SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[HasScope])
)


def docs_view(request: HttpRequest) -> HttpResponseBase:
    """The API's document as a page: programs show their key, people are led to the login."""
    return (swagger if "Authorization" in request.headers else login_required(swagger))(request)


urlpatterns = [
    path("", include("hive_site.pages.urls")),
    path("login/", LimitedLoginView.as_view(), name="login"),
    path("admin/login/", LimitedLoginView.as_view()),  # one door, one lock
    path("login/<str:token>/", login_by_link, name="login-link"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/v1/nodes/join/", JoinView.as_view(find_root=find_root)),
    path("api/v1/nodes/join/ca/", AuthoritiesView.as_view()),
    path("api/v1/", include("jobs.api.urls")),
    path("api/v1/", include("nodes.api.urls")),
    path("api/v1/ota/", include("ota.api.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", docs_view, name="docs"),
    # For pages that name no icon of ours: browsers ask for this one.
    path("favicon.ico", RedirectView.as_view(url=static("hive_site/hive.svg"))),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", metrics.MetricsView.as_view(), name="metrics"),
]
handler400 = "nodes.api.problems.bad_request_page"
handler404 = "nodes.api.problems.not_found_page"
handler500 = "nodes.api.problems.error_page"
