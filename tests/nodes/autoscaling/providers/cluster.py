"""A Kubernetes API server that runs nothing, behind the paths of the real one."""

import re
from datetime import UTC, datetime
from typing import Any

CORE = "/api/v1/namespaces/lab"
APPS = "/apis/apps/v1/namespaces/lab/deployments/spores"
POD = {"spec": {"containers": [{"name": "spore", "image": "hive:1"}]}}
COST = "controller.kubernetes.io/pod-deletion-cost"


class Cluster:
    """Pods, secrets, and one deployment whose controller acts at every request."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.replicas = self._made = 0
        self.broken = False

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.broken:
            return 403, {"kind": "Status", "message": "pods is forbidden"}
        if path == f"{CORE}/pods":
            return self._of_pods(method, query, body)
        if path == f"{CORE}/secrets":
            self.secrets[body["metadata"]["name"]] = body
            return 201, body
        if path.startswith(APPS):
            return self._of_deployment(method, path, body)
        found = re.fullmatch(rf"{CORE}/pods/([^/]+)", path)
        if found and found[1] in self.pods:
            return self._of_pod(method, found[1], body)
        return 404, {"kind": "Status", "message": f"{path} not found"}

    def _of_pods(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, self._add(body["metadata"]["name"], body)
        selector = [pair.split("=") for pair in query.get("labelSelector", "").split(",") if pair]
        rows = [
            pod
            for pod in self.pods.values()
            if all(pod["metadata"]["labels"].get(name) == text for name, text in selector)
        ]
        return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": rows}

    def _add(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self._made += 1
        body["metadata"] |= {"uid": f"uid-{self._made}", "creationTimestamp": _now()}
        self.pods[name] = {**body, "status": {"phase": "Pending"}}
        return self.pods[name]

    def _of_pod(self, method: str, name: str, body: Any) -> tuple[int, Any]:
        pod = self.pods[name]
        if method == "DELETE":
            del self.pods[name]
            self.secrets = {
                key: secret
                for key, secret in self.secrets.items()
                if secret["metadata"]["ownerReferences"][0]["uid"] != pod["metadata"]["uid"]
            }
        if method == "PATCH":
            pod["metadata"].setdefault("annotations", {}).update(body["metadata"]["annotations"])
        return 200, pod

    def _of_deployment(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "PATCH":
            self.replicas = body["spec"]["replicas"]
            self._reconcile()
        metadata = {"name": "spores", "namespace": "lab", "creationTimestamp": _now()}
        if path.endswith("/scale"):
            spec = {"replicas": self.replicas}
            return 200, {"kind": "Scale", "metadata": metadata, "spec": spec}
        spec = {
            "replicas": self.replicas,
            "selector": {"matchLabels": {"app": "spore"}},
            "template": {"metadata": {"labels": {"app": "spore"}}, **POD},
        }
        return 200, {"kind": "Deployment", "metadata": metadata, "spec": spec}

    def _reconcile(self) -> None:
        """As a ReplicaSet's controller: the cheapest goes first."""
        mine = [name for name, pod in self.pods.items() if "app" in pod["metadata"]["labels"]]
        for n in range(self.replicas - len(mine)):
            name = f"spores-{self._made}{n}"
            self._add(name, {"metadata": {"name": name, "labels": {"app": "spore"}}, **POD})
        mine.sort(key=lambda name: int(self._annotations(name).get(COST, 0)))
        for name in mine[: max(len(mine) - self.replicas, 0)]:
            del self.pods[name]

    def _annotations(self, name: str) -> dict[str, str]:
        return self.pods[name]["metadata"].get("annotations", {})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
