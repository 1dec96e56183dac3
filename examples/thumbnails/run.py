"""Make thumbnails of images on all Spores, each written as soon as it is there."""

import argparse
import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the project

from examples.connection import run
from jobs.client import Hive


def main(hive: Hive, options: argparse.Namespace) -> int:
    """One subtask an image; an image that is none spoils no other."""
    options.out.mkdir(parents=True, exist_ok=True)
    items = [
        {"name": path.name, "data": base64.b64encode(path.read_bytes()).decode()}
        for path in options.images
    ]
    job = hive.submit("thumbnails.shrink", items, kwargs={"size": options.size})
    failed = 0
    for row in hive.as_completed(job, timeout=options.timeout):
        if row["error"]:
            failed += 1
            print(f"  {items[row['index']]['name']}: {row['error']['message']}", flush=True)
            continue
        made = row["result"]
        target = options.out / f"{Path(made['name']).stem}-{options.size}.jpg"
        target.write_bytes(base64.b64decode(made["data"]))
        print(f"  {target}  {made['width']}×{made['height']}  by {row['node']}", flush=True)
    print(f"{len(items) - failed} of {len(items)} thumbnails in {options.out}")
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--size", type=int, default=128, metavar="PIXELS", help="at most (128)")
    parser.add_argument("--out", type=Path, default=Path("thumbnails"), metavar="DIR")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS")
    run(parser, main)
