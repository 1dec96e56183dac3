"""Code of others that pages load is what its table says, byte by byte."""

import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "hive_site" / "static" / "hive_site" / "vendor"
ROW = re.compile(r"^\| `(?P<path>[^`]+)` \|.*\| `(?P<sha256>[0-9a-f]{64})` \|$", re.MULTILINE)


def test_every_file_is_in_the_table_with_its_hash():
    told = dict(ROW.findall((VENDOR / "README.md").read_text()))
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path.name != "README.md"]

    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }

    assert found == told


def test_every_package_comes_with_its_licence():
    packages = [path for path in VENDOR.iterdir() if path.is_dir()]

    assert packages
    assert all((path / "LICENSE").is_file() for path in packages)
