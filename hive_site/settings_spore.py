"""Settings of a Spore: no database, no secret of the Nexus, only what tasks need to be found."""

import logging.config
import secrets

from hive_site.configuration import django_tasks_config, project_version, read_options
from hive_site.kernel.env import Env
from hive_site.kernel.redaction import conceal, conceal_login
from hive_site.kernel.redis import rq_settings
from hive_site.logs import logging_config
from hive_site.spore_apps import compose_apps

env = Env()
HIVE = read_options(env, spore=True)
HIVE_RELEASE = env.text("HIVE_RELEASE") or project_version()
#: Random for each process: a Spore signs with its node key, never with the Nexus's secret.
SECRET_KEY = secrets.token_urlsafe(48)
DEBUG = False
INSTALLED_APPS = compose_apps(env.listing("HIVE_APPS"))
DATABASES: dict[str, object] = {}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ, TIME_ZONE = True, "UTC"
REDIS_URL = HIVE.redis_url
RQ_QUEUES = {name: rq_settings(REDIS_URL) | {"DEFAULT_TIMEOUT": 300} for name in HIVE.queues}
RQ_SHOW_ADMIN_LINK = False
_key = env.text("HIVE_API_KEY")
#: With a key, tasks may enqueue others.
TASKS = django_tasks_config(env, **({"url": HIVE.nexus_url, "key": _key} if _key else {}))
LOGGING = logging_config("spore", form=HIVE.observing.log_format, level=HIVE.observing.log_level)
conceal(env.text("HIVE_FLEET_KEY"), env.text("HIVE_NODE_KEY"), HIVE.llm_key, _key)
conceal(env.text("HIVE_POOL_KEY").partition(":")[2])
conceal_login(HIVE.redis_url)
#: Done here: Django's own way takes its mail along, for a log that no Spore has.
LOGGING_CONFIG = None
logging.config.dictConfig(LOGGING)
