"""Writes that do not wait for a locked database."""

import contextlib
import sqlite3
import time

import pytest
from django.db import OperationalError, connection

from nodes.impatience import without_waiting
from nodes.models import Node

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows only")


@pytest.mark.django_db(transaction=True)
def test_a_write_gives_up_long_before_the_patience_of_others_is_over():
    def patience():
        with connection.cursor() as cursor:
            return cursor.execute("PRAGMA busy_timeout").fetchone()[0]

    before = patience()
    with contextlib.closing(sqlite3.connect(connection.settings_dict["NAME"])) as greedy:
        greedy.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()

        with pytest.raises(OperationalError), without_waiting():
            Node.objects.update(reason="anything")

        assert time.monotonic() - begun < before / 1000 / 2
        greedy.rollback()
    assert patience() == before
