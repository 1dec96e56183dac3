"""A Docker engine that runs nothing, behind the paths of the Engine API
(https://docs.docker.com/reference/api/engine/)."""

import json
import re
from datetime import UTC, datetime
from typing import Any


class Engine:
    """Containers that only exist. `image_known` is whether the image is there."""

    def __init__(self) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.broken = False
        self._made = 0

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if self.broken:
            return 500, {"message": "the engine is on fire"}
        path = re.sub(r"^/v\d+\.\d+", "", path)
        if path == "/version":
            return 200, {"ApiVersion": "1.45", "MinAPIVersion": "1.24", "Version": "26.0"}
        if (method, path) == ("GET", "/containers/json"):
            return 200, self._listed(json.loads(query.get("filters", "{}")))
        if (method, path) == ("POST", "/containers/create"):
            return self._create(query["name"], body)
        found = re.fullmatch(r"/containers/([^/]+)/(json|start|stop)", path)
        if found is None or found[1] not in self.containers:
            return 404, {"message": f"No such container: {path}"}
        return self._of_one(found[1], found[2])

    def _create(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        if any(each["Name"] == f"/{name}" for each in self.containers.values()):
            return 409, {"message": f'the name "/{name}" is taken'}
        if body["Image"] == "hive:missing":
            return 404, {"message": "No such image: hive:missing"}
        self._made += 1
        id_ = f"{self._made:064x}"
        created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
        config = {"Labels": body["Labels"], "Env": body["Env"], "Cmd": body["Cmd"]}
        self.containers[id_] = {
            "Id": id_,
            "Name": f"/{name}",
            "Created": created,
            "State": {"Status": "created"},
            "Config": {**config, "Image": body["Image"]},
            "HostConfig": body["HostConfig"],
        }
        return 201, {"Id": id_, "Warnings": []}

    def _listed(self, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        wanted = [label.split("=", 1) for label in filters.get("label", ())]
        return [
            {"Id": id_, "Names": [each["Name"]], "Labels": each["Config"]["Labels"]}
            for id_, each in self.containers.items()
            if all(each["Config"]["Labels"].get(name) == text for name, text in wanted)
        ]

    def _of_one(self, id_: str, verb: str) -> tuple[int, Any]:
        if verb == "json":
            return 200, self.containers[id_]
        if verb == "start":
            self.containers[id_]["State"]["Status"] = "running"
            return 204, None
        del self.containers[id_]  # it was run with auto_remove
        return 204, None
