"""The pools that an operator wants, read from TOML; whatever is wrong is told with its field."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hive_site.kernel.errors import Invalid
from nodes.autoscaling.fields import (
    Field,
    labels,
    number,
    one_of,
    read_table,
    text,
    variables,
    whole,
    words,
)
from nodes.domain.fitness import Kind
from nodes.domain.scaling_machines import POOL
from nodes.domain.scaling_pictures import Rules

#: Two dashes say that nodes derive their keys from one of their pool (kernel/envelope.py).
NAME = r"(?!.*--)[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?"
NAME_RULE = "give 1 to 30 lower-case letters, digits and single -, beginning with a letter"
DAY = 86_400
MOST_NODES, MOST_SLOTS, MOST_MB = 10_000, 256, 2**31 - 1
#: Listing processes costs nothing; a cloud counts the calls.
OWN_LIST_SECONDS, LIST_SECONDS = 1.0, 10.0

#: What each provider can be told, in a table of its name.
OPTIONS: dict[str, dict[str, Field]] = {
    "process": {},
    "command": {
        "list": words(at_least=1),
        "start": words(at_least=1),
        "stop": words(at_least=1),
        "timeout_seconds": number(1, 600, 60),
    },
    "docker": {
        "image": text(),
        "host": text(""),
        "network": text(""),
        "environment": variables({}),
        "volumes": words([]),
        "timeout_seconds": number(1, 600, 60),
    },
    "kubernetes": {
        "namespace": text("default", pattern=r"[a-z0-9-]{1,63}", rule="give a namespace's name"),
        "template": text(""),
        "deployment": text(""),
        "pool_key": text("", pattern=NAME, rule=NAME_RULE),
        "context": text(""),
        "timeout_seconds": number(1, 600, 30),
    },
    "aws": {
        "group": text(),
        "region": text(""),
        "token_path": text("", pattern=r"/[A-Za-z0-9_./-]+", rule="give a path like /hive/join"),
        "timeout_seconds": number(1, 600, 30),
    },
}
FIELDS = {
    "provider": one_of(*OPTIONS),
    "min": whole(0, MOST_NODES, 0),
    "max": whole(0, MOST_NODES),
    "slots": whole(1, MOST_SLOTS, 1),
    "labels": labels({}),
    "capabilities": words([]),
    "gpus": whole(0, 64, 0),
    "gpu_memory_mb": whole(0, MOST_MB, 0),
    "memory_mb": whole(0, MOST_MB, 0),
    "target_wait_seconds": number(0.1, DAY, 10),
    "calm_seconds": number(0, DAY, 120),
    "cooldown_seconds": number(0, DAY, 10),
    "start_timeout_seconds": number(1, DAY, 300),
    "list_every_seconds": number(0.5, 3600, None),
}
ROOT = {
    "cluster": text("hive", pattern=NAME, rule=NAME_RULE),
    "pools": Field(lambda value: isinstance(value, dict) and bool(value), "give [pools.NAME]"),
}


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """One pool. `options` are its provider's."""

    name: str
    provider: str
    rules: Rules
    cluster: str = "hive"
    slots: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    gpus: int = 0
    gpu_memory_mb: int = 0
    memory_mb: int = 0
    list_every: float = LIST_SECONDS
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def node_labels(self) -> dict[str, str]:
        """The labels that each of its nodes has."""
        return {**self.labels, POOL: self.name}

    @property
    def kind(self) -> Kind:
        """What its nodes will be, as work sees them."""
        return Kind(
            labels=frozenset(self.node_labels.items()),
            capabilities=frozenset(self.capabilities),
            gpu_memory_mb=(self.gpu_memory_mb,) * self.gpus,
            memory_mb=self.memory_mb,
        )

    def spore_flags(self, node: str) -> list[str]:
        """What `manage.py rqworker` is to be told there."""
        flags = ["--name", node, "--slots", str(self.slots)]
        for name, text_ in self.node_labels.items():
            flags += ["--label", f"{name}={text_}"]
        for capability in self.capabilities:
            flags += ["--capability", capability]
        return flags


def read_pools(document: str) -> list[PoolSettings]:
    """The pools of a TOML document, in its order. Raises `Invalid`."""
    try:
        root = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"this is not TOML: {error}") from error
    for name in root:
        if name not in ROOT:
            raise Invalid(f"{name}: there is no such setting; there is {', '.join(ROOT)}")
    cluster = root.get("cluster", "hive")
    if not ROOT["cluster"].takes(cluster):
        raise Invalid(f"cluster = {cluster!r}: {NAME_RULE}", field="cluster")
    pools = root.get("pools")
    if not ROOT["pools"].takes(pools):
        raise Invalid("there is no pool; give at least one table [pools.NAME]", field="pools")
    return [_read_pool(name, table, cluster) for name, table in pools.items()]


def _read_pool(name: str, table: Any, cluster: str) -> PoolSettings:
    at = f"pools.{name}"
    if not re.fullmatch(NAME, name):
        raise Invalid(f"pools.{name!r}: {NAME_RULE}", field="pools")
    rows = table if isinstance(table, dict) else {}
    of_providers = {key: rows[key] for key in OPTIONS if key in rows}
    rest = {key: value for key, value in rows.items() if key not in of_providers}
    said = read_table(rest if rows else table, FIELDS, at=at)
    options = _read_options(of_providers, said["provider"], at)
    _check_together(at, said, options)
    every = OWN_LIST_SECONDS if said["provider"] == "process" else LIST_SECONDS
    return PoolSettings(
        name=name,
        provider=said["provider"],
        rules=_rules_of(said),
        cluster=cluster,
        slots=said["slots"],
        labels=said["labels"],
        capabilities=tuple(said["capabilities"]),
        gpus=said["gpus"],
        gpu_memory_mb=said["gpu_memory_mb"],
        memory_mb=said["memory_mb"],
        list_every=said["list_every_seconds"] or every,
        options=options,
    )


def _read_options(tables: Mapping[str, Any], provider: str, at: str) -> dict[str, Any]:
    if stray := sorted(set(tables) - {provider}):
        way = f"its provider is {provider}; give [{at}.{provider}]"
        raise Invalid(f"{at}.{stray[0]}: {way}", field=at)
    return read_table(tables.get(provider, {}), OPTIONS[provider], at=f"{at}.{provider}")


def _rules_of(said: Mapping[str, Any]) -> Rules:
    return Rules(
        minimum=said["min"],
        maximum=said["max"],
        target_wait=said["target_wait_seconds"],
        calm=said["calm_seconds"],
        cooldown=said["cooldown_seconds"],
        start_timeout=said["start_timeout_seconds"],
    )


def _check_together(at: str, said: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """What no field can know alone."""
    if said["min"] > said["max"]:
        rule = f"give at most max, which is {said['max']}"
        raise Invalid(f"{at}.min = {said['min']}: {rule}", field=f"{at}.min")
    if said["gpu_memory_mb"] and not said["gpus"]:
        raise Invalid(f"{at}.gpu_memory_mb: give gpus, too", field=f"{at}.gpus")
    if POOL in said["labels"]:
        raise Invalid(f"{at}.labels.{POOL}: it is the pool's name, always", field=f"{at}.labels")
    if said["provider"] == "kubernetes" and bool(options["template"]) == bool(
        options["deployment"]
    ):
        way = "give either template (a file with a pod) or deployment (its name)"
        raise Invalid(f"{at}.kubernetes: {way}", field=f"{at}.kubernetes")
