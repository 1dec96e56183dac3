"""The layout of a package: a ZIP in which every byte has one meaning.

`zipfile` reads what is there and mends the rest; an archive that two programs read differently is
how checks are got around. So the headers are read here, and every byte of the file must belong to
exactly one of them, in the plainest form that APPNOTE.TXT (PKWARE, 6.3.10) allows.
"""

import stat
import struct
from collections.abc import Callable
from dataclasses import dataclass

from ota.domain.manifest import MODES
from ota.domain.names import MAX_NAME_BYTES, BadName, check_names

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
CENTRAL_HEADER = struct.Struct("<4s6H3I5H2I")
END_RECORD = struct.Struct("<4s4H2IH")
STORED, DEFLATED = 0, 8
#: The name is UTF-8; any other flag (encrypted, sizes behind the data, …) is refused.
UTF8 = 0x800
UNIX = 3

MAX_FILES = 20_000
MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_TOTAL_BYTES = 500 * 1024 * 1024
#: More than this is a bomb, for files larger than `SMALL_BYTES`.
MAX_RATIO, SMALL_BYTES = 200, 1024 * 1024

LONGEST_ENTRY = CENTRAL_HEADER.size + MAX_NAME_BYTES

#: Gives so many bytes from a position of the file.
Read = Callable[[int, int], bytes]


class BadArchive(ValueError):
    """The file is no package, or says two things at once."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in the archive; its data are `packed` bytes from `start`."""

    name: str
    size: int
    packed: int
    crc: int
    method: int
    mode: int
    header: int
    start: int


def read_layout(read: Read, size: int) -> list[Entry]:
    """The files of an archive of `size` bytes, in the order of their data.

    Raises `BadArchive` for anything but the strict profile. Nothing is decompressed.
    """
    count, start, length = _read_end(read, size)
    data = read(start, length)
    entries, at = list[Entry](), 0
    for _ in range(count):
        entry, at = _read_central(data, at)
        entries.append(_check_local(read, entry, start))
    _must(at == length, "has something behind its directory")
    _check_tiling(entries, start)
    _check_sizes(entries)
    try:
        check_names(entry.name for entry in entries)
    except BadName as fact:
        raise BadArchive(str(fact)) from None
    return entries


def _read_end(read: Read, size: int) -> tuple[int, int, int]:
    """How many entries the directory has, where it starts, and how long it is."""
    _must(size >= END_RECORD.size, "is shorter than the shortest archive")
    record = read(size - END_RECORD.size, END_RECORD.size)
    mark, disk, first, here, count, length, start, comment = END_RECORD.unpack(record)
    _must(mark == END, "does not end as an archive without a comment does")
    _must(disk == first == comment == 0 and here == count, "is a part of several, or has a comment")
    _must(count <= MAX_FILES, f"has more than {MAX_FILES} files")
    _must(length <= count * LONGEST_ENTRY, "has a directory that is too long for its files")
    _must(start + length == size - END_RECORD.size, "has something beside its files")
    return count, start, length


def _read_central(data: bytes, at: int) -> tuple[Entry, int]:
    """The entry at a position of the directory, and the position behind it."""
    _must(at + CENTRAL_HEADER.size <= len(data), "has a directory that is cut short")
    fields = CENTRAL_HEADER.unpack_from(data, at)
    mark, made_by, needs, flags, method, _, _, crc, packed, size = fields[:10]
    name_length, extra, comment, disk, internal, external, header = fields[10:]
    end = at + CENTRAL_HEADER.size + name_length
    _must(mark == CENTRAL and end <= len(data), "has a directory that makes no sense")
    name = _read_name(data[at + CENTRAL_HEADER.size : end], flags)
    _must(method in (STORED, DEFLATED), f"{name!r} is packed in a way that is not known here")
    plain = not (extra or comment or disk or internal & ~1) and needs <= 20
    _must(plain, f"{name!r} has fields that a package does not need")
    _must(method == DEFLATED or packed == size, f"{name!r} has two sizes")
    mode = external >> 16
    regular = made_by >> 8 == UNIX and stat.S_ISREG(mode) and not external & 0xFFFF
    _must(regular, f"{name!r} is no regular file")
    _must(stat.S_IMODE(mode) in MODES, f"{name!r} has rights {stat.S_IMODE(mode):o}")
    start = header + LOCAL_HEADER.size + name_length
    return Entry(name, size, packed, crc, method, stat.S_IMODE(mode), header, start), end


def _read_name(data: bytes, flags: int) -> str:
    _must(not flags & ~UTF8, "has an entry that is encrypted, or whose size is told afterwards")
    _must(bool(flags & UTF8) or data.isascii(), "has a name of which nobody knows the encoding")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadArchive("the archive has a name that is no UTF-8") from None


def _check_local(read: Read, entry: Entry, end: int) -> Entry:
    """The header beside the data must say what the directory says."""
    name = entry.name.encode()
    _must(entry.start + entry.packed <= end, f"{entry.name!r} lies outside of it")
    head = read(entry.header, LOCAL_HEADER.size + len(name))
    _must(len(head) == LOCAL_HEADER.size + len(name), f"{entry.name!r} is cut short")
    mark, needs, flags, method, _, _, crc, packed, size, length, extra = LOCAL_HEADER.unpack_from(
        head
    )
    told = (method, crc, packed, size, length, extra)
    same = told == (entry.method, entry.crc, entry.packed, entry.size, len(name), 0)
    same = same and head[LOCAL_HEADER.size :] == name and not flags & ~UTF8 and needs <= 20
    _must(mark == LOCAL and same, f"{entry.name!r} is described in two ways")
    return entry


def _check_tiling(entries: list[Entry], end: int) -> None:
    """Each entry begins where the last one ends: nothing is hidden, nothing is read twice."""
    at = 0
    for entry in entries:
        _must(entry.header == at, f"{entry.name!r} overlaps another file, or follows a gap")
        at = entry.start + entry.packed
    _must(at == end, "has something between its files and its directory")


def _check_sizes(entries: list[Entry]) -> None:
    for entry in entries:
        _must(entry.size <= MAX_FILE_BYTES, f"{entry.name!r} is larger than {MAX_FILE_BYTES} bytes")
        bomb = entry.size > SMALL_BYTES and entry.size > MAX_RATIO * entry.packed
        _must(not bomb, f"{entry.name!r} grows more than {MAX_RATIO}-fold")
    total = sum(entry.size for entry in entries)
    _must(total <= MAX_TOTAL_BYTES, f"is larger than {MAX_TOTAL_BYTES} bytes when unpacked")


def _must(holds: bool, fault: str) -> None:
    if not holds:
        raise BadArchive(fault if fault.startswith(("'", '"')) else f"the archive {fault}")
