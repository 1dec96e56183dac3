"""Who may do what: three roles as Django groups, and what each scope of the API takes."""

from typing import Any

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
ROLES = (VIEWER, OPERATOR, ADMIN)
#: The apps whose pages and rows the roles are about.
OURS = ("nodes", "jobs", "ota")

#: What an operator may do beyond looking: run the cluster, but neither hand out access nor
#: bring in code, nor forget what is on record.
OPERATES = {
    "nodes": ("change_node", "delete_node", "add_broadcast"),
    "jobs": (
        *("add_job", "change_job", "change_queue", "change_delivery"),
        *("add_schedule", "change_schedule", "delete_schedule"),
        *("add_tasklimit", "change_tasklimit", "delete_tasklimit"),
    ),
    "ota": ("add_rollout", "change_rollout"),
    "admin": ("view_logentry",),
}
#: What else an admin may do, all of it, in apps that are not ours.
ADMINISTERS = {"auth": ("user", "group"), "admin": ("logentry",)}

#: Any of these lets somebody look.
LOOKS = ("nodes.view_node", "jobs.view_job", "ota.view_rollout")
#: What a scope takes of people, where a view does not name something else as its `right`. Whoever
#: may make a key with the scope `pickle` may do what that key could.
TAKES = {
    "submit": "jobs.add_job",
    "control": "nodes.change_node",
    "ota": "ota.change_rollout",
    "pickle": "nodes.add_apikey",
}


def may(user: Any, scope: str) -> bool:
    """Whether a person may do what a scope stands for: read, submit, control, ota, pickle."""
    if user is None or not user.is_active:
        return False
    if scope == "read":
        return user.is_staff or any(user.has_perm(right) for right in LOOKS)
    right = TAKES.get(scope)
    return user.has_perm(right) if right else user.is_superuser


def holds(key: Any, scope: str) -> bool:
    """Whether a key may do what a scope stands for: it has it, and its owner still may as much.

    A key that an operator made on the command line has no owner.
    """
    return scope in key.scopes and (key.owner_id is None or may(key.owner, scope))


def give_role(user: Any, role: str) -> None:
    """Make this the user's only role; other groups stay."""
    groups = user.groups.model.objects
    user.groups.remove(*groups.filter(name__in=ROLES).exclude(name=role))
    user.groups.add(groups.get(name=role))


def has_right(role: str, app: str, codename: str) -> bool:
    """Whether a role has a permission of an app."""
    looks = app in OURS and codename.startswith("view_")
    if role == VIEWER:
        return looks
    if role == OPERATOR:
        return looks or codename in OPERATES.get(app, ())
    kind = codename.partition("_")[2]
    return app in OURS or kind in ADMINISTERS.get(app, ())


def settle_roles(app_label: str, *, groups: Any, permissions: Any) -> None:
    """Give each role what it has in one app, and take what it has no more. Safe to repeat."""
    within = permissions.objects.filter(content_type__app_label=app_label)
    for role in ROLES:
        group, _ = groups.objects.get_or_create(name=role)
        allowed = {row for row in within if has_right(role, app_label, row.codename)}
        had = set(group.permissions.filter(content_type__app_label=app_label))
        group.permissions.add(*allowed - had)
        group.permissions.remove(*had - allowed)
