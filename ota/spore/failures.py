"""Why a release could not be brought to this node."""

import errno

#: The disk took nothing more: full, over a quota or a limit, or read-only.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


class Failed(Exception):
    """A fact that ends an attempt. `permanent`: the same order will end so again on this node."""

    def __init__(self, code: str, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.permanent = code, reason, permanent

    @classmethod
    def of_disk(cls, fact: OSError) -> "Failed":
        """What became of a file that could not be read or written."""
        told = fact.strerror or str(fact)
        where = f"{fact.filename}: " if fact.filename else ""
        if fact.errno in NO_ROOM:
            told += "; make room in the home directory, or let it be written to"
        return cls("disk", f"{where}{told}")
