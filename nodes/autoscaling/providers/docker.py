"""Containers of a Docker engine, through the package `docker`."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.ports import Invitations, ProviderError
from nodes.autoscaling.providers.extras import require
from nodes.domain.scaling_machines import Instance

if TYPE_CHECKING:
    from docker.models.containers import Container

CLUSTER, POOL, NODE = "hive.cluster", "hive.pool", "hive.node"
HOME = "/var/lib/hive"
#: Longer than a Spore's drain takes.
STOP_SECONDS = 20


class DockerProvider:
    """One container for each node. A container that ended is removed, and its logs with it."""

    def __init__(self, settings: PoolSettings, *, invitations: Invitations) -> None:
        self._settings, self._invitations = settings, invitations
        docker = require("docker")
        options = settings.options
        self._errors = (docker.errors.DockerException, OSError)
        self._gone = docker.errors.NotFound
        seconds = int(options["timeout_seconds"])
        self._connect = (
            (lambda: docker.DockerClient(base_url=options["host"], timeout=seconds))
            if options["host"]
            else (lambda: docker.from_env(timeout=seconds))
        )
        self._gpus = [docker.types.DeviceRequest(count=settings.gpus, capabilities=[["gpu"]])]
        self._open_client: Any = None

    def list(self) -> list[Instance]:
        """See `Provider.list`."""
        labels = [f"{CLUSTER}={self._settings.cluster}", f"{POOL}={self._settings.name}"]
        try:
            found = self._client.containers.list(
                all=True, filters={"label": labels}, ignore_removed=True
            )
            return [_instance(each) for each in found if each.status != "dead"]
        except self._errors as error:
            raise self._told(error) from error

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        try:
            for node in nodes:
                self._client.containers.run(**self._container(node))
        except self._errors as error:
            raise self._told(error) from error

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        try:
            self._client.containers.get(instance.id).stop(timeout=STOP_SECONDS)
        except self._gone:
            return
        except self._errors as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Containers outlive a Foreman."""
        if self._open_client is not None:
            self._open_client.close()
            self._open_client = None

    @property
    def _client(self) -> Any:
        # Not before it is asked: an engine that is away must not keep a Foreman from its work.
        if self._open_client is None:
            self._open_client = self._connect()
        return self._open_client

    def _container(self, node: str) -> dict[str, Any]:
        settings, options = self._settings, self._settings.options
        joins = self._invitations.make(pool=settings.name, node=node)
        flags = [*settings.spore_flags(node), "--home", HOME]
        return {
            "image": options["image"],
            "command": ["python", "manage.py", "rqworker", *flags],
            "name": node,
            "hostname": node,
            "detach": True,
            "init": True,
            "auto_remove": True,
            "labels": {CLUSTER: settings.cluster, POOL: settings.name, NODE: node},
            "environment": {**options["environment"], **joins},
            "volumes": options["volumes"],
            "network": options["network"] or None,
            "device_requests": self._gpus if settings.gpus else None,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
        }

    def _told(self, error: Exception) -> ProviderError:
        return ProviderError(getattr(error, "explanation", None) or str(error))


def _instance(container: "Container") -> Instance:
    # Nanoseconds are more than Python reads.
    created = str(container.attrs["Created"]).partition(".")[0].removesuffix("Z")
    started_at = datetime.fromisoformat(f"{created}+00:00").timestamp()
    node = container.labels[NODE]
    leaving = container.status in {"removing", "exited"}
    return Instance(container.id, node, started_at, leaving)
