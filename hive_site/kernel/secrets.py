"""Secrets that are made on first start and kept where only the owner can read them."""

import os
import secrets
from pathlib import Path


def keep_secret(path: Path, value: str | None = None) -> str:
    """The secret in `path`; made with mode 0600 if it is not there. Two starts at once agree."""
    # mkdir gives its mode to the last directory only, and the data directory may be new too.
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(value or secrets.token_urlsafe(48))
        try:
            # link() fails where rename() would overwrite: the first start wins.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
