"""Those who look at the pages: one for each role, and a stranger who has none."""

from tests.end_to_end.colony import Colony

ROLES = ("viewer", "operator", "admin", "stranger")
#: Their names are their roles. The admin is the superuser whom `hive up` made.
MAKE = """
from django.contrib.auth.models import Group, User
for role in {roles}:
    user, _ = User.objects.get_or_create(username=role)
    user.set_password({password!r})
    user.save()
    user.groups.set(Group.objects.filter(name=role))
"""
PASSWORD = "honey for the bees"


class People:
    """A viewer, an operator, an admin and a stranger, known to a Hive."""

    def __init__(self, colony: Colony) -> None:
        code = MAKE.format(roles=ROLES, password=PASSWORD)
        made = colony.manage("shell", "--verbosity", "0", "-c", code)
        assert made.returncode == 0, made.stderr

    def password(self, role: str) -> str:
        """What somebody of this role types at the door."""
        assert role in ROLES, f"nobody is a {role!r}; there are {', '.join(ROLES)}"
        return PASSWORD
