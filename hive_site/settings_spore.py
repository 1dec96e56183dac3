"""Settings of a Spore: no database, no secret of the Nexus, only what tasks need to be found."""

from django.core.management.utils import get_random_secret_key

from hive_site.configuration import django_tasks_config, project_version, read_options
from hive_site.kernel.env import Env
from hive_site.logs import logging_config

env = Env()
HIVE = read_options(env)
HIVE_RELEASE = env.text("HIVE_RELEASE") or project_version()
#: Random for each process: a Spore signs with its node key, never with the Nexus's secret.
SECRET_KEY = get_random_secret_key()
DEBUG = False
INSTALLED_APPS = [
    "hive_site",
    "nodes",
    "jobs",
    "ota",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_rq",
    *env.listing("HIVE_APPS"),
]
DATABASES: dict[str, object] = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE = True, "UTC"
REDIS_URL = HIVE.redis_url
RQ_QUEUES = {name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": 300} for name in HIVE.queues}
RQ_SHOW_ADMIN_LINK = False
_key = env.text("HIVE_API_KEY")
#: With a key, tasks may enqueue others.
TASKS = django_tasks_config(env, **({"url": HIVE.nexus_url, "key": _key} if _key else {}))
LOGGING = logging_config("spore")
