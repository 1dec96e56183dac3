"""What it looks like when the database or Redis is away: it passes, and nobody is to blame."""

from django.db import InterfaceError, OperationalError
from django.db.transaction import TransactionManagementError

from hive_site.kernel.redis import RedisError

__all__ = ["OUTAGES"]

#: The third is how Django puts it when the database goes away while a savepoint is rolled back.
OUTAGES = (OperationalError, InterfaceError, TransactionManagementError, RedisError, OSError)
