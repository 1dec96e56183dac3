"""A unit of systemd for the Spore of one home, hardened as deploy/systemd/hive-spore.service is."""

import getpass
import grp
import os
import sys
from pathlib import Path
from typing import TypedDict

from hive_site.configuration import PROJECT

#: Where people live. What lies there may not be hidden from a Spore that lives there, too.
HOMES = ("/home", "/root", "/run/user")
UNIT = """\
# Written by `hive join` for node {node}. Put it into /etc/systemd/system/.
[Unit]
# Never give up: what it waits for (Redis, the Nexus) may be away for long.
StartLimitIntervalSec=0
Description=The Hive: Spore {node}
After=network-online.target
Wants=network-online.target

[Service]
Type=exec
User={user}
Group={group}
WorkingDirectory={project}
ExecStart={python} {project}/manage.py rqworker --home {home}
# SIGTERM for the launcher alone: its agent lets running subtasks end. To signal the slots as well
# would fail what they run. What is left after the launcher is killed.
KillMode=mixed
TimeoutStopSec=75
Restart=always
RestartSec=1
UMask=0077
# Tasks run whatever the operator wrote; the machine's own files are none of their business.
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths={home}
ProtectHome={protect_home}
PrivateTmp=true

[Install]
WantedBy=multi-user.target
"""


class Facts(TypedDict):
    """What a unit says of the machine that it is for."""

    user: str
    group: str
    python: str
    project: Path


def own_facts() -> Facts:
    """Those of this process."""
    group = grp.getgrgid(os.getgid()).gr_name
    user = getpass.getuser()
    return {"user": user, "group": group, "python": sys.executable, "project": PROJECT}


def compose_unit(
    *, node: str, home: Path, user: str, group: str, python: str, project: Path
) -> str:
    """The text of the unit."""
    lives_there = any(Path(p).is_relative_to(h) for p in (home, python, project) for h in HOMES)
    return UNIT.format(
        node=node,
        home=quote(str(home)),
        user=user,
        group=group,
        python=quote(python),
        project=quote(str(project)),
        protect_home="read-only" if lives_there else "true",
    )


def quote(path: str) -> str:
    """A path as a unit takes it: systemd has its own meaning for % and \\, and splits at blanks."""
    return path.replace("\\", "\\\\").replace("%", "%%").replace(" ", "\\x20")
