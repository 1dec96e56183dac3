"""The site as an ASGI application."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hive_site.settings")
site = get_asgi_application()  # sets Django up, which what follows needs

from django.conf import settings  # noqa: E402

from hive_site.gate import Gate  # noqa: E402

gate = Gate(site, limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, larger=settings.LARGE_BODIES)
application = ProtocolTypeRouter({"http": gate})
