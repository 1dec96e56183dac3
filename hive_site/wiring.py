"""Puts the parts together: the Foreman with its work, the Spore with its slots."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from hive_site.kernel import tracing
from hive_site.kernel.redis import connect
from nodes.domain.scoring import Weights

if TYPE_CHECKING:
    from redis import Redis

    from jobs.webhooks.courier import Courier
    from nodes.access import Access
    from nodes.foreman import Foreman
    from nodes.keyring import Keyring
    from nodes.spore.agent import Agent
    from nodes.spore.identity import Identity
    from nodes.spore.leash import Launch


def build_foreman() -> "Foreman":
    """A Foreman over the configured database and Redis."""
    from hive_site.pools import build_autoscaler
    from jobs.limits import declared_limits
    from jobs.remote_tasks import learn_tasks
    from jobs.validation import known_tasks
    from jobs.workload import JobsWorkload
    from nodes.foreman import Foreman
    from nodes.keyring import Keyring
    from nodes.leadership import Leadership
    from nodes.mailbox import Mailbox
    from ota.conductor import Conductor
    from ota.repositories import open_repository

    # Imports every task: now, not while work waits for a new leader.
    declared_limits()
    tracing.open_early()
    hive = settings.HIVE
    client = connect(hive.redis_url, name="hive-foreman")
    listener = connect(hive.redis_url, name="hive-foreman", blocking=True)
    weights = Weights(*hive.weights)
    keyring = Keyring(settings.HIVE_FLEET_KEY)
    workload = JobsWorkload(
        client, keyring=keyring, weights=weights, bundle_seconds=hive.bundle_seconds
    )
    return Foreman(
        client=client,
        leadership=Leadership(client, clock=timezone.now),
        mailbox=Mailbox(listener, keyring=keyring),
        workload=workload,
        keyring=keyring,
        weights=weights,
        learn=lambda found, now: learn_tasks(found, now, known=known_tasks()),
        updates=Conductor(open_repository),
        access=_find_access(client, keyring),
        scaling=build_autoscaler(workload),
    )


def _find_access(client: "Redis", keyring: "Keyring") -> "Access | None":
    from nodes.access import OFF, REQUIRE, Doorkeeper

    hive = settings.HIVE
    if hive.redis_acl == OFF:
        return None
    return Doorkeeper(
        client,
        keyring,
        broadcasts=hive.broadcast_channel,
        required=hive.redis_acl == REQUIRE,
        pools=hive.redis_pools,
    )


def build_courier() -> "Courier":
    """Who tells others that jobs ended."""
    from jobs.webhooks.courier import Courier
    from jobs.webhooks.sending import send

    allow = settings.HIVE.allow_private_addresses
    return Courier(partial(send, secret=settings.HIVE_WEBHOOK_SECRET, allow_private=allow))


def build_agent(
    identity: "Identity", home: Path, *, nexus_url: str = "", launch: "Launch | None" = None
) -> "Agent":
    """A Spore's agent whose slots run jobs; it keeps its files in `home`."""
    from jobs.spore.payloads import PayloadOptions
    from jobs.spore.serving import serve_slot
    from nodes.spore.agent import Agent
    from nodes.spore.leash import ALONE
    from nodes.spore.limits import Limits
    from nodes.spore.line import Line
    from nodes.spore.sensors import HostSensors
    from nodes.spore.spool import Spool

    hive, spool = settings.HIVE, Spool(home / "spool")
    payload_options = PayloadOptions(
        nexus_url=nexus_url or hive.nexus_url,
        folder=home / "blobs",
        cache_bytes=hive.node_cache_mb * 2**20,
        inline_bytes=hive.inline_bytes,
        ca_file=hive.ca_file,
    )
    main = partial(
        serve_slot,
        url=hive.redis_url,
        modules=hive.task_modules,
        spool=spool,
        payload_options=payload_options,
    )
    return Agent(
        identity,
        open_line=partial(Line, hive.redis_url, broadcasts=hive.broadcast_channel),
        slot_main=main,
        sensors=HostSensors(),
        spool=spool,
        limits=Limits(home, hive.slot_memory_mb, hive.least_disk_mb),
        launch=launch or ALONE,
    )
