"""Packages to sign."""

from ota.archive import Source, write_package
from ota.domain.release_file import PATH, ReleaseFile
from ota.domain.requirements import digest_requirements


def package(folder, version="1.0", code=b"print('bee')\n"):
    """A package on the disk as `ota build` makes it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"hive-{version}.zip"
    about = ReleaseFile(version, ">=3.11", (), digest_requirements(""))
    with path.open("wb") as target:
        write_package(target, {PATH: Source(about.write()), "manage.py": Source(code)})
    return path


def sidecar_of(path):
    return path.with_name(f"{path.name}.targets.json")
