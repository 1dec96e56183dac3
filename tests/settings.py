"""The Nexus's settings for tests: everything in a directory that goes with the run."""

import atexit
import os
import shutil
import tempfile

_data = tempfile.mkdtemp(prefix="hive-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
#: How long the long tests go on, and whether a browser must be there; no settings of a Hive.
KEPT = {"HIVE_CHAOS_SECONDS", "HIVE_REQUIRE_BROWSER"}
for name in [name for name in os.environ if name.startswith(("HIVE_", "REDIS_"))]:
    if name not in KEPT:
        del os.environ[name]
os.environ["HIVE_DATA_DIR"] = _data
# Nobody listens there: a test that forgets to bring a Redis fails at once.
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"
# Tests are in a hurry, and share one caller.
os.environ["HIVE_API_RATE"] = "0"
os.environ.setdefault("SECRET_KEY", "only-for-tests")

from hive_site.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, as in production: an SQLite in memory knows no WAL and locks whole tables.
    DATABASES["default"]["TEST"] = {"NAME": f"{_data}/test.sqlite3"}  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
