"""Wheels of a file each, and locks that name them."""

import hashlib
import io
import zipfile
from pathlib import Path

from ota.domain.requirements import Pin, header_of


def make_wheel(folder: Path, name: str, version: str = "1.0") -> Path:
    """A wheel that pip takes, for any machine."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), text)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{name}-{version}-py3-none-any.whl"
    place.write_bytes(target.getvalue())
    return place


def pin(wheel: Path, marker: str = "") -> Pin:
    """What a lock says of a wheel."""
    name, version, *_ = wheel.name.split("-")
    return Pin(name, version, marker, frozenset({digest(wheel)}))


def digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def lock_of(requirements: str, *wheels: Path) -> str:
    """A lock for these requirements that names these wheels."""
    lines = [f"{pin(w).name}=={pin(w).version} --hash=sha256:{digest(w)}\n" for w in wheels]
    return f"{header_of(requirements)}\n{''.join(lines)}"
