"""Files that are there as a whole or not at all, and survive a power cut once they are."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

from hive_site.kernel.disk import sync_directory

#: What was never finished begins so.
UNFINISHED = ".new-"


class AtomicFiles(FileSystemStorage):
    """Django's storage in a directory, for files that are named by their content.

    Saving under a name that exists writes the same bytes again, and nobody sees half of them.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself."""
        return name

    def _save(self, name: str, content: Any) -> str:
        target = Path(self.path(name))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)
        return name
