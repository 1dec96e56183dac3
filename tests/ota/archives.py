"""Archives made by hand, good ones and others."""

import io
import zipfile
from collections.abc import Callable

from ota.archive import Package, Source, write_package
from ota.domain.manifest import PATH, Manifest

TREE = {"app/tasks.py": Source(b"print('bee')\n"), "run.sh": Source(b"#!/bin/sh\n", 0o755)}


def packed(files: dict[str, Source] | None = None) -> bytes:
    """A package as `ota build` makes it."""
    target = io.BytesIO()
    write_package(target, TREE if files is None else files)
    return target.getvalue()


def opened(data: bytes) -> Package:
    return Package(io.BytesIO(data), len(data))


def forged(
    change: Callable[[zipfile.ZipInfo], None] = lambda about: None,
    *,
    also: dict[str, bytes] | None = None,
    without: str = "",
    manifest: bytes | None = None,
) -> bytes:
    """A package that another program wrote, each entry changed on the way, some beside."""
    files = {path: source.data for path, source in TREE.items() if path != without}
    files[PATH] = manifest_text() if manifest is None else manifest
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in (*files.items(), *(also or {}).items()):
            about = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            about.create_system, about.compress_type = 3, zipfile.ZIP_DEFLATED
            mode = TREE[path].mode if path in TREE else 0o644
            about.external_attr = (0o100000 | mode) << 16
            change(about)
            archive.writestr(about, data)
    return target.getvalue()


def manifest_text() -> bytes:
    return write_package(io.BytesIO(), TREE).write()


def read_manifest() -> Manifest:
    return Manifest.read(manifest_text())
