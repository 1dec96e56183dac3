"""Which subtasks are under way, or were and soon will be again, found by their index."""

from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

#: In the very words of the index `subtask_astir`: SQLite takes that for no others.
IS_ASTIR = RawSQL(  # there is nothing in it from outside
    "state IN ('queued', 'running', 'retrying')", (), output_field=BooleanField()
)
