from csp.decorators import csp_update
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from hive_site import health, metrics, pages
from hive_site.login import LimitedLoginView

# Swagger's page starts itself with a script in the page and loads images from data.
loosen = csp_update({"script-src": ["'self'", "'unsafe-inline'"], "style-src": ["'unsafe-inline'"]})
docs_view = loosen(SpectacularSwaggerView.as_view(url_name="schema"))

urlpatterns = [
    path("", pages.overview, name="overview"),
    path("login/", LimitedLoginView.as_view(), name="login"),
    path("admin/login/", LimitedLoginView.as_view()),  # one door, one lock
    path("login/<str:token>/", pages.login_by_link, name="login-link"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("jobs.api.urls")),
    path("api/v1/", include("nodes.api.urls")),
    path("api/v1/ota/", include("ota.api.urls")),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/v1/docs/", docs_view, name="docs"),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", metrics.MetricsView.as_view(), name="metrics"),
]
handler400 = "nodes.api.problems.bad_request_page"
handler404 = "nodes.api.problems.not_found_page"
handler500 = "nodes.api.problems.error_page"
