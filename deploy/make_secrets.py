"""Make the secrets that docker-compose.yml and the systemd units expect; keeps those there are.

    python deploy/make_secrets.py [--out deploy/secrets] [NODE …]

Needs the standard library only. For each NODE it writes `node_keys/NODE`, which is all that a
Spore on another machine needs besides the password of Redis.
"""

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from hive_site.kernel.envelope import node_key  # noqa: E402
from hive_site.kernel.secrets import keep_secret  # noqa: E402


def make_secrets(folder: Path, *, nodes: list[str], owner_only: bool) -> list[Path]:
    """The files, each made if it was not there."""
    for name in ("secret_key", "redis_password", "database_password"):
        keep_secret(folder / name)
    fleet_key = keep_secret(folder / "fleet_key")
    password = keep_secret(folder / "database_password")
    keep_secret(folder / "database_url", f"postgres://hive:{password}@postgres:5432/hive")
    for node in nodes:
        keep_secret(folder / "node_keys" / node, node_key(fleet_key, node).hex())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not owner_only:
        # Compose mounts a secret with the mode and owner of its file, and the processes inside
        # are another user; the directory, which nobody else enters, keeps it private.
        for path in files:
            path.chmod(0o644)
    return files


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Make the secrets of a deployment.")
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="Spores to make keys for")
    parser.add_argument("--out", type=Path, default=HERE / "secrets", metavar="DIR")
    parser.add_argument(
        "--owner-only", action="store_true", help="mode 0600, for systemd instead of compose"
    )
    options = parser.parse_args()
    for path in make_secrets(options.out, nodes=options.nodes, owner_only=options.owner_only):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
