"""How the admin groups what there is: by what it is for, with plain names."""

from collections.abc import Iterable
from typing import Any

from django.utils.text import capfirst

#: Each group in order, with its models and what they are called.
SHELVES = {
    "Work": {
        "jobs.Job": "Jobs",
        "jobs.Schedule": "Schedules",
        "jobs.Queue": "Queues",
        "jobs.TaskLimit": "Limits of tasks",
        "jobs.Delivery": "Webhook deliveries",
        "jobs.Subtask": "Subtasks",
        "jobs.Attempt": "Attempts that went wrong",
        "jobs.Edge": "What waits for what",
        "jobs.RemoteTask": "Tasks that only nodes have",
    },
    "Machines": {"nodes.Node": "Nodes", "nodes.Broadcast": "Broadcasts"},
    "Updates": {
        "ota.Release": "Releases",
        "ota.Rollout": "Rollouts",
        "ota.Home": "What nodes run",
        "ota.OtaEvent": "What happened",
    },
    "Access": {
        "auth.User": "Users",
        "auth.Group": "Roles and groups",
        "nodes.ApiKey": "API keys",
        "nodes.LoginLink": "Login links",
        "nodes.Invite": "Invitations",
        "nodes.NodeCredential": "Keys of nodes",
    },
    "System": {
        "admin.LogEntry": "Audit",
        "nodes.Lease": "Who leads",
        "nodes.ReportCursor": "Reports recorded",
        "jobs.IdempotencyKey": "Requests answered",
    },
}
#: What adding one is called where "Add" would mislead.
ADDING = {
    **{"jobs.Job": "Submit", "nodes.Invite": "Invite"},
    **{"ota.Release": "Upload", "ota.Rollout": "Roll out"},
}


NAMES = {key: name for names in SHELVES.values() for key, name in names.items()}


def plain_name(opts: Any) -> str:
    """What the rows of a model are called, by its `_meta`."""
    key = f"{opts.app_label}.{opts.object_name}"
    return NAMES.get(key) or str(capfirst(opts.verbose_name_plural))


def put_in_order(apps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Django's list of apps as groups; what no group names follows as Django has it."""
    apps = list(apps)
    found = {
        f"{app['app_label']}.{model['object_name']}": model
        for app in apps
        for model in app["models"]
    }
    groups = [_group(title, names, found) for title, names in SHELVES.items()]
    rest = [{**app, "models": _others(app)} for app in apps]
    return [group for group in [*groups, *rest] if group["models"]]


def _group(title: str, names: dict[str, str], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    models = [
        {**found[key], "name": name, "add_label": ADDING.get(key, "")}
        for key, name in names.items()
        if key in found
    ]
    return {"name": title, "app_label": title.lower(), "app_url": "", "models": models}


def _others(app: dict[str, Any]) -> list[dict[str, Any]]:
    label = app["app_label"]
    return [model for model in app["models"] if f"{label}.{model['object_name']}" not in NAMES]
