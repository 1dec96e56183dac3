"""Make the secrets that docker-compose.yml, the manifests of Kubernetes and the systemd units
expect; keep those there are.

    python deploy/make_secrets.py [--out deploy/secrets] [--pool POOL]… [NODE …]

Needs the standard library only. `pool_keys/POOL` is all that Spores which come and go in numbers
need besides the password of Redis, and `node_keys/NODE` all that a Spore on one machine needs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from hive_site.kernel.envelope import node_key, pool_key  # noqa: E402
from hive_site.kernel.secrets import keep_secret  # noqa: E402

#: What the Spores of docker-compose.yml and of the manifests belong to.
POOL = "spore"


def make_secrets(
    folder: Path,
    *,
    nodes: Sequence[str] = (),
    pools: Sequence[str] = (POOL,),
    database: str = "postgres",
    owner_only: bool = False,
) -> list[Path]:
    """The files, each made if it was not there. `database` is the host of the database."""
    for name in ("secret_key", "redis_password", "database_password"):
        keep_secret(folder / name)
    fleet_key = keep_secret(folder / "fleet_key")
    password = quote(keep_secret(folder / "database_password"), safe="")
    keep_secret(folder / "database_url", f"postgres://hive:{password}@{database}:5432/hive")
    for pool in pools:
        keep_secret(folder / "pool_keys" / pool, f"{pool}:{pool_key(fleet_key, pool).hex()}")
    for node in nodes:
        keep_secret(folder / "node_keys" / node, node_key(fleet_key, node).hex())
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not owner_only:
        open_to_containers(files)
    return files


def open_to_containers(files: Sequence[Path]) -> None:
    """Let any user read the files who can enter their directory, which only the owner can.

    Compose mounts a secret with the mode and owner of its file, and the processes inside are
    another user.
    """
    for path in files:
        path.chmod(0o644)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Make the secrets of a deployment.")
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="Spores to make keys for")
    parser.add_argument(
        "--out",
        type=Path,
        default=HERE / "secrets",
        metavar="DIR",
        help="where they go (default: secrets/ beside this program)",
    )
    parser.add_argument(
        "--pool", action="append", metavar="POOL", help=f"pools to make keys for ({POOL})"
    )
    parser.add_argument(
        "--database", default="postgres", metavar="HOST", help="of PostgreSQL (postgres)"
    )
    parser.add_argument(
        "--owner-only", action="store_true", help="mode 0600, for all but docker compose"
    )
    options = parser.parse_args()
    files = make_secrets(
        options.out,
        nodes=options.nodes,
        pools=options.pool or (POOL,),
        database=options.database,
        owner_only=options.owner_only,
    )
    for path in files:
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
