"""Pods of a Kubernetes cluster, through its official client.

With a `template` each node is a pod of its own, with a secret that is deleted along with it. With a
`deployment` its replicas are scaled, and which pod goes is said by its deletion cost
(https://kubernetes.io/docs/reference/labels-annotations-taints/#pod-deletion-cost).
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hive_site.kernel.errors import HiveError
from nodes.autoscaling.configuration import PoolSettings
from nodes.autoscaling.ports import Invitations, ProviderError
from nodes.autoscaling.providers.extras import require
from nodes.domain.scaling_machines import Instance
from nodes.spore.pools import name_member

CLUSTER, POOL = "hive.cluster", "hive.pool"
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
#: Less than any pod has that was not told.
FIRST_TO_GO = "-1000"
NOT_FOUND = 404
ENDED = {"Succeeded", "Failed"}


class Api:
    """The client of one cluster, opened when it is needed first; each call has a time limit."""

    def __init__(self, settings: PoolSettings) -> None:
        self._package = require("kubernetes")
        self._settings, self._client = settings, None
        self.namespace = settings.options["namespace"]
        self.limit = {"_request_timeout": settings.options["timeout_seconds"]}

    @property
    def core(self) -> Any:
        """Pods and secrets."""
        return self._package.client.CoreV1Api(self._open())

    @property
    def apps(self) -> Any:
        """Deployments."""
        return self._package.client.AppsV1Api(self._open())

    def pods(self, selector: str) -> list[Any]:
        """The pods with these labels."""
        with self.telling():
            found = self.core.list_namespaced_pod(
                self.namespace, label_selector=selector, **self.limit
            )
        return [pod for pod in found.items if pod.status.phase not in ENDED]

    @contextmanager
    def telling(self, *, unless: int = 0) -> Iterator[None]:
        """Turns what the client raises into `ProviderError`; an answer of `unless` is no error."""
        try:
            yield
        except self._package.client.ApiException as error:
            if error.status != unless:
                raise ProviderError(_reason(error)) from error
        except (self._package.config.ConfigException, OSError, ValueError) as error:
            raise ProviderError(str(error)) from error
        except self._http_error as error:
            raise ProviderError(str(error)) from error

    def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @property
    def _http_error(self) -> type[Exception]:
        from urllib3.exceptions import HTTPError

        return HTTPError

    def _open(self) -> Any:
        if self._client is None:
            config, context = self._package.config, self._settings.options["context"]
            found = self._package.client.Configuration()
            try:
                config.load_incluster_config(client_configuration=found)
            except config.ConfigException:
                config.load_kube_config(context=context or None, client_configuration=found)
            self._client = self._package.client.ApiClient(found)
        return self._client


class PodProvider:
    """A pod for each node, made after a template."""

    def __init__(self, settings: PoolSettings, *, invitations: Invitations) -> None:
        self._settings, self._invitations = settings, invitations
        self._api, self._template = Api(settings), read_template(settings.options["template"])

    def list(self) -> list[Instance]:
        """See `Provider.list`."""
        selector = f"{CLUSTER}={self._settings.cluster},{POOL}={self._settings.name}"
        return [instance_of(pod) for pod in self._api.pods(selector)]

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        api = self._api
        for node in nodes:
            body, joins = (
                self._pod(node),
                self._invitations.make(pool=self._settings.name, node=node),
            )
            with api.telling():
                pod = api.core.create_namespaced_pod(api.namespace, body, **api.limit)
                # The pod waits for it, and Kubernetes deletes it with the pod.
                api.core.create_namespaced_secret(
                    api.namespace, _secret(node, pod.metadata.uid, joins), **api.limit
                )

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        api = self._api
        with api.telling(unless=NOT_FOUND):
            api.core.delete_namespaced_pod(instance.node, api.namespace, **api.limit)

    def close(self) -> None:
        """Pods outlive a Foreman."""
        self._api.close()

    def _pod(self, node: str) -> dict[str, Any]:
        settings, body = self._settings, json.loads(json.dumps(self._template))
        metadata, spec = body.setdefault("metadata", {}), body["spec"]
        metadata["name"] = node
        labels = {CLUSTER: settings.cluster, POOL: settings.name}
        metadata["labels"] = {**metadata.get("labels", {}), **labels}
        spec.setdefault("restartPolicy", "Always")
        spore = spec["containers"][0]
        spore.setdefault("envFrom", []).append({"secretRef": {"name": node}})
        flags = settings.spore_flags(node)
        spore.setdefault("args", ["python", "manage.py", "rqworker"]).extend(flags)
        return body


class DeploymentProvider:
    """The pods of a deployment; each is the node of its name, or of that name in the pool whose key
    all of them have."""

    def __init__(self, settings: PoolSettings) -> None:
        self._settings, self._api = settings, Api(settings)
        self._name, self._pool = settings.options["deployment"], settings.options["pool_key"]

    def list(self) -> list[Instance]:
        """See `Provider.list`. Replicas without a pod yet are counted, too."""
        api = self._api
        with api.telling():
            found = api.apps.read_namespaced_deployment(self._name, api.namespace, **api.limit)
        labels = found.spec.selector.match_labels or {}
        selector = ",".join(f"{name}={text}" for name, text in sorted(labels.items()))
        pods = [self._instance(pod) for pod in api.pods(selector)]
        staying, now = sum(not pod.leaving for pod in pods), time.time()
        coming = range(staying, found.spec.replicas or 0)
        return pods + [Instance(f"coming-{n}", f"{self._name}-coming-{n}", now) for n in coming]

    def start(self, nodes: Sequence[str]) -> None:
        """See `Provider.start`."""
        self._scale(lambda replicas: replicas + len(nodes))

    def stop(self, instance: Instance) -> None:
        """See `Provider.stop`."""
        api = self._api
        body = {"metadata": {"annotations": {DELETION_COST: FIRST_TO_GO}}}
        with api.telling(unless=NOT_FOUND):
            api.core.patch_namespaced_pod(instance.id, api.namespace, body, **api.limit)
        self._scale(lambda replicas: max(replicas - 1, 0))

    def close(self) -> None:
        """Pods outlive a Foreman."""
        self._api.close()

    def _instance(self, pod: Any) -> Instance:
        name = pod.metadata.name
        node = name_member(self._pool, name) if self._pool else name
        return replace(instance_of(pod), id=name, node=node)

    def _scale(self, change: Callable[[int], int]) -> None:
        api, name = self._api, self._name
        with api.telling():
            found = api.apps.read_namespaced_deployment_scale(name, api.namespace, **api.limit)
            body = {"spec": {"replicas": change(found.spec.replicas or 0)}}
            api.apps.patch_namespaced_deployment_scale(name, api.namespace, body, **api.limit)


def read_template(path: str) -> dict[str, Any]:
    """The pod in a YAML or JSON file. Raises `HiveError`."""
    import yaml  # it comes with the client

    try:
        body = yaml.safe_load(Path(path).read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise HiveError(f"kubernetes.template = {path!r}: {error}") from error
    spec = body.get("spec") if isinstance(body, dict) else None
    if not (isinstance(spec, dict) and body.get("kind") == "Pod" and spec.get("containers")):
        raise HiveError(f"kubernetes.template = {path!r}: give a file with one Pod")
    return dict(body)


def instance_of(pod: Any) -> Instance:
    """A pod as the autoscaler sees it."""
    metadata = pod.metadata
    leaving = metadata.deletion_timestamp is not None
    return Instance(metadata.uid, metadata.name, metadata.creation_timestamp.timestamp(), leaving)


def _secret(node: str, uid: str, joins: dict[str, str]) -> dict[str, Any]:
    owner = {"apiVersion": "v1", "kind": "Pod", "name": node, "uid": uid}
    return {"metadata": {"name": node, "ownerReferences": [owner]}, "stringData": joins}


def _reason(error: Any) -> str:
    try:
        told = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        told = error.reason
    return f"{error.status} {told}"
