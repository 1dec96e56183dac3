"""Settings of the Nexus and the Foreman. Secure unless told otherwise; no default to forget."""

import sys
from pathlib import Path

from csp.constants import NONE, SELF

from hive_site.configuration import (
    PROJECT,
    django_tasks_config,
    make_data_dir,
    project_version,
    read_options,
    sqlite_url,
)
from hive_site.databases import read_database
from hive_site.kernel.env import Env
from hive_site.kernel.redaction import conceal, conceal_login
from hive_site.kernel.redis import rq_settings
from hive_site.logs import logging_config, process_name
from hive_site.own_secrets import find_secret, find_webhook_secret

env = Env()
#: Spores read these settings, too, if they have the database.
HIVE = read_options(env, spore=env.text("HIVE_SPORE_DATABASE") == "1")
HIVE_RELEASE = env.text("HIVE_RELEASE") or project_version()
SECRETS = HIVE.data / "secrets"

BASE_DIR: Path = PROJECT
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = find_secret(env, "SECRET_KEY", SECRETS / "secret_key")
#: The master key from which every node's own key is derived. Nexus and Foreman only.
HIVE_FLEET_KEY = find_secret(env, "HIVE_FLEET_KEY", SECRETS / "fleet_key")
HIVE_WEBHOOK_SECRET = find_webhook_secret(env, SECRETS / "webhook_secret")
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "hive_site",  # before django_rq: its rqworker command is ours
    "nodes",
    "jobs",
    "ota",
    "channels",
    "csp",
    "hive_site.admin_config.HiveAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "django_rq",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    *env.listing("HIVE_APPS"),
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "hive_site.headers.HeadersMiddleware",
    "hive_site.connections.ConnectionsMiddleware",
    "nodes.api.bodies.BodyLimit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "hive_site.slashes.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "hive_site.rest_audit.RestAudit",
    "hive_site.outages.OutageMiddleware",
]
ROOT_URLCONF = "hive_site.urls"
ASGI_APPLICATION = "hive_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PROJECT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

if not env.text("DATABASE_URL"):
    make_data_dir(HIVE.data)
DATABASES = {
    "default": read_database(
        env.text("DATABASE_URL") or sqlite_url(HIVE.data),
        pool=HIVE.database_pool,
        name=f"hive-{process_name(sys.argv)}",
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = HIVE.redis_url
RQ_QUEUES = {name: rq_settings(REDIS_URL) | {"DEFAULT_TIMEOUT": 300} for name in HIVE.queues}
RQ_SHOW_ADMIN_LINK = False
TASKS = django_tasks_config(env)

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
#: Per user name and address, and per address: guesses of a password until it takes a pause.
LOGIN_GUESSES, LOGIN_GUESSES_IN_ALL = "10 per 5 minutes", "100 per 5 minutes"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.flag("HIVE_HTTPS", False)
#: Browsers take cookies that are called so from this host alone: no neighbour under the same domain
#: can plant one, and have somebody work in a session of theirs.
_host_only = "__Host-" if SESSION_COOKIE_SECURE else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_host_only}sessionid", f"{_host_only}csrftoken"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
#: Browsers that came over TLS once come over nothing else for so long. Where there is no TLS they
#: would not heed it.
SECURE_HSTS_SECONDS = HIVE.hsts_seconds if SESSION_COOKIE_SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    # What else runs under this name, and for how long, is not ours to say: HSTS is for the host.
    *("security.W005", "security.W021"),
    # The proxy that has the certificate redirects. We cannot: Spores and probes may well ask
    # without TLS, in a network of their own.
    "security.W008",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "style-src": [SELF],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}

#: One request may carry 32 MiB (CONTRACT §6).
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
#: A package may have 200 MiB, and a signature beside it. It goes to disk as it comes, as files of
#: forms do.
PACKAGE_FORM_BYTES = 217 * 1024 * 1024
LARGE_BODIES = {
    "/api/v1/ota/releases/": PACKAGE_FORM_BYTES,
    "/admin/ota/release/add/": PACKAGE_FORM_BYTES,
}
APPEND_SLASH = True
LANGUAGE_CODE, TIME_ZONE, USE_TZ, USE_I18N = "en-us", "UTC", True, False
FORMAT_MODULE_PATH = ["hive_site.formats"]
STATIC_URL = "static/"
STATIC_ROOT = HIVE.data / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # Large payloads and results. Nexuses and Foremen must see the same: a shared directory, or
    # any other Django storage.
    "hive_blobs": {
        "BACKEND": "jobs.blob_files.AtomicFiles",
        "OPTIONS": {"location": HIVE.data / "blobs"},
    },
}
# Serve straight from the apps, so that no collectstatic step can be forgotten.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "nodes.api.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["nodes.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["nodes.api.throttling.CallerThrottle"],
    "EXCEPTION_HANDLER": "nodes.api.problems.problem_handler",
    "STRICT_JSON": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "The Hive",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "DESCRIPTION": "Submit jobs to the cluster, follow them, and look after its nodes.",
    "VERSION": HIVE_RELEASE,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["nodes.api.permissions.HasScope"],
    "POSTPROCESSING_HOOKS": ["nodes.api.openapi.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
LOGGING = logging_config(
    process_name(sys.argv), form=HIVE.observing.log_format, level=HIVE.observing.log_level
)
conceal(SECRET_KEY, HIVE_FLEET_KEY, HIVE_WEBHOOK_SECRET, HIVE.llm_key, env.text("HIVE_API_KEY"))
conceal(env.text("HIVE_POOL_KEY").partition(":")[2])
conceal_login(HIVE.redis_url)
conceal_login(env.text("DATABASE_URL"))
