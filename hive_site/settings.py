"""Settings of the Nexus and the Foreman. Secure unless told otherwise; no default to forget."""

import sys
from pathlib import Path

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from hive_site.configuration import (
    PROJECT,
    django_tasks_config,
    make_data_dir,
    project_version,
    read_options,
    sqlite_url,
)
from hive_site.kernel.env import Env
from hive_site.logs import logging_config, process_name
from hive_site.own_secrets import find_secret, find_webhook_secret

env = Env()
HIVE = read_options(env)
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
    "django.contrib.admin",
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
    "nodes.api.bodies.BodyLimit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "hive_site.slashes.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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


ENGINES = {"django.db.backends.sqlite3", "django.db.backends.postgresql"}


def read_database(url: str) -> dict[str, object]:
    """Django's database settings for `url`; SQLite gets WAL and one writer at a time."""
    try:
        # Under ASGI each request has a thread of its own: a connection that was kept would be
        # nobody's, and the server would run out of them.
        database = dict(dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True))
    except (dj_database_url.UnknownSchemeError, dj_database_url.ParseError, ValueError):
        database = {}
    if database.get("ENGINE") not in ENGINES or not database.get("NAME"):
        # Not its value: there may be a password in it.
        rule = "give sqlite:///path or postgres://user:password@host/name"
        raise ImproperlyConfigured(f"DATABASE_URL: {rule}")
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 20,
        }
    else:
        # Requests at once share these, and wait for one; each process has a pool of its own.
        database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 20, "timeout": 5}}
    return database


if not env.text("DATABASE_URL"):
    make_data_dir(HIVE.data)
DATABASES = {"default": read_database(env.text("DATABASE_URL") or sqlite_url(HIVE.data))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = HIVE.redis_url
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300} for name in HIVE.queues}
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
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SESSION_COOKIE_SECURE else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
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
    "POSTPROCESSING_HOOKS": ["nodes.api.openapi.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
LOGGING = logging_config(process_name(sys.argv))
