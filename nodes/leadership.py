"""Who leads: a row with holder, expiry and an epoch that only grows.

Every recording transaction confirms the row first, and every Lua verb checks the epoch's mirror
in Redis, so a leader that was frozen and wakes up can write nowhere.
"""

import os
import secrets
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from redis import Redis

from hive_site.kernel.errors import Deposed
from hive_site.kernel.redis import load_script
from nodes import wire
from nodes.models import Lease

log = structlog.get_logger()
TERM = timedelta(seconds=15)
RENEW_EVERY = timedelta(seconds=5)
#: Numbers of transactions are the epoch, then a count of this many bits.
EPOCH_SHIFT = 32
#: Every recording transaction begins with it.
RENEW = "UPDATE nodes_lease SET expires_at = %s WHERE id = 1 AND holder = %s AND epoch = %s"
LUA = Path(__file__).parent / "lua"


class Leadership:
    """One Foreman's claim to lead.

    `clock` says how late it is by now: a long step begins its `now`, and may outlive a term.
    """

    def __init__(self, client: Redis, *, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock
        self._claim_epoch = load_script(client, LUA / "claim_epoch.lua")
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.epoch = 0
        self.held = False
        self._confirmed = 0
        self._renew_at = datetime.min

    def hold(self, now: datetime) -> bool:
        """Lead or go on leading; False while another Foreman does."""
        now = self._by_now(now)
        naive = now.replace(tzinfo=None)
        if self.held and naive < self._renew_at:
            return True
        if not (self._renew(now) if self.held else self._acquire(now)):
            self.held = False
            return False
        self._renew_at = naive + RENEW_EVERY
        return True

    def keep(self, now: datetime) -> None:
        """Between the parts of a long step: go on leading. Raises `Deposed` if another does."""
        if not (self.held and self.hold(now)):
            raise Deposed(f"epoch {self.epoch} is over")

    def confirm(self, now: datetime) -> int:
        """Inside a transaction: still leading. Raises `Deposed` otherwise.

        Returns the transaction's number. Numbers grow in the order of commits, also from one
        leader to the next: the lease's row is locked until the transaction is over.
        """
        if not self._renew(self._by_now(now)):
            self.held = False
            raise Deposed(f"epoch {self.epoch} is over")
        self._confirmed += 1
        return self.epoch << EPOCH_SHIFT | self._confirmed

    def doubt(self) -> None:
        """Something says that we lead no more: claim the lease anew, with a new epoch."""
        self.held = False

    def release(self) -> None:
        """Give up the lease, so that a standby need not wait for its end."""
        if self.held:
            Lease.objects.filter(pk=1, holder=self.holder).update(holder="", expires_at=None)
            self.held = False

    def mirror(self) -> str:
        """Show the epoch to Redis and return its boot key. Raises `Deposed` if it saw a newer."""
        fresh = secrets.token_hex(16)
        boot = self._claim_epoch(keys=[wire.EPOCH, wire.BOOT], args=[self.epoch, fresh])
        if boot == b"deposed":
            self.held = False
            raise Deposed(f"Redis knows a later epoch than {self.epoch}")
        return boot.decode(errors="replace")

    def _by_now(self, now: datetime) -> datetime:
        return self._clock() if self._clock else now

    def _renew(self, now: datetime) -> bool:
        until = connection.ops.adapt_datetimefield_value(now + TERM)
        with connection.cursor() as cursor:
            cursor.execute(RENEW, [until, self.holder, self.epoch])
            return bool(cursor.rowcount == 1)

    def _acquire(self, now: datetime) -> bool:
        Lease.objects.get_or_create(pk=1)
        with transaction.atomic():
            free = Q(expires_at=None) | Q(expires_at__lt=now) | Q(holder=self.holder)
            lease = Lease.objects.get(pk=1)
            if _died_here(lease.holder):
                free |= Q(holder=lease.holder)
            taken = Lease.objects.filter(free, pk=1, epoch=lease.epoch).update(
                holder=self.holder, epoch=F("epoch") + 1, expires_at=now + TERM
            )
        if not taken:
            return False
        self.epoch, self.held, self._confirmed = lease.epoch + 1, True, 0
        log.info("foreman.leads", epoch=self.epoch, holder=self.holder)
        return True


def present_number() -> int:
    """A number for what is ended outside of a leader's transactions.

    It lies behind those of all earlier leaders, and before the next of this one's.
    """
    epoch = Lease.objects.values_list("epoch", flat=True).first() or 0
    return max(epoch << EPOCH_SHIFT, 1)


def _died_here(holder: str) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    host, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    return host == socket.gethostname() and pid.isdigit() and not psutil.pid_exists(int(pid))
