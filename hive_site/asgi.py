"""The site as an ASGI application."""

import os
from functools import partial

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hive_site.settings")
site = get_asgi_application()  # sets Django up, which what follows needs

from django.conf import settings  # noqa: E402

import hive_site.urls  # noqa: E402, F401 (or the first visitor waits for all that pages need)
from hive_site.gate import Gate  # noqa: E402
from hive_site.kernel import tracing  # noqa: E402
from hive_site.kernel.farewell import before_exit  # noqa: E402
from hive_site.kernel.redis import connect_async  # noqa: E402
from hive_site.live.consumer import LiveSocket  # noqa: E402
from hive_site.live.hub import Hub  # noqa: E402
from hive_site.live.origins import OwnPages  # noqa: E402
from hive_site.live.pictures import Pictures  # noqa: E402
from hive_site.live.topics import NAMES, open_topic  # noqa: E402
from hive_site.occupied import occupy  # noqa: E402
from hive_site.request_ids import RequestIds  # noqa: E402
from hive_site.senders import is_known  # noqa: E402

occupy(settings.HIVE.data)
gate = Gate(
    site,
    limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    larger=settings.LARGE_BODIES,
    is_known=is_known,
)
hub = Hub(
    open_pictures=partial(Pictures, partial(connect_async, settings.REDIS_URL, name="hive-live")),
    open_topic=open_topic,
    before_exit=before_exit,
)
live = OwnPages(LiveSocket(hub, topics=NAMES))
application = ProtocolTypeRouter({"http": RequestIds(gate), "websocket": live})
tracing.open_early()
