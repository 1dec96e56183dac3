"""`manage.py hive …`"""

from hive_site.management.dispatcher import Dispatcher


class Command(Dispatcher):
    """The Hive's own commands."""

    help = "Start, watch and use the Hive."
    program, package = "hive", "hive_site.commands"
    verbs = (
        *("up", "demo", "status", "top", "check", "doctor"),
        *("submit", "workflow", "cancel", "retry"),
        *("key", "broadcast", "webhook-secret", "openapi", "mcp", "prune", "autoscale"),
        *("backup", "restore", "settle"),
        *("invite", "join", "revoke", "stack", "healthy", "prepare", "login-link"),
    )
