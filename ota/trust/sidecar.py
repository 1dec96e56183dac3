"""An operator's word for a package: the next targets.json, in a file beside the package."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tuf.api.metadata import Metadata, TargetFile, Targets

from hive_site.kernel.disk import replace_file
from hive_site.kernel.errors import Conflict, NotAllowed
from ota.domain.trust import SUFFIX, TARGETS, Target, Untrusted
from ota.inspection import Inspected, inspect_package
from ota.spore.chain import read_signed
from ota.trust import signing
from ota.trust.desk import Desk, follows

STABLE = "stable"
AGAIN = "remove the file beside the package, and sign again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was signed, by whom so far, and how many signatures are still to come."""

    target: Target
    sidecar: Path
    keys: tuple[str, ...]
    missing: int


def sign_package(desk: Desk, path: Path, floor: int | None, now: datetime) -> Outcome:
    """Check a package, and sign for it in the file beside it. Safe to repeat.

    What another operator signed there is signed as well, if it is what this desk would have said.
    Raises `Invalid`, `Conflict`, `NotFound`, `Untrusted`.
    """
    package, (root, base) = inspect_package(path), desk.documents()
    role = root.signed.roles[TARGETS]
    signers = desk.keys.signers(role.keyids)
    if not signers:
        raise Conflict(f"{desk.folder} has no key that may sign releases of this Nexus")
    sidecar = path.with_name(path.name + SUFFIX)
    document = _find(sidecar, base, package, floor, now) or _extend(base, package, floor, now)
    path_in_list = _path_of(document.signed, package)
    said = document.signed.targets[path_in_list].custom["hive"]["floor_seq"]
    if floor not in (None, said):
        rule = f"these bytes are signed with the floor {said} already; give it with another release"
        raise Conflict(f"--floor {floor}: {rule}")
    for signer in signers:
        document.sign(signer, append=True)
    replace_file(sidecar, document.to_bytes())
    desk.save(root, document)
    keys = signing.ids_of(root, TARGETS, document)
    target = Target.read(path_in_list)
    return Outcome(target, sidecar, tuple(keys), max(0, role.threshold - len(keys)))


def _find(
    sidecar: Path, base: Metadata[Targets], package: Inspected, floor: int | None, now: datetime
) -> Metadata[Targets] | None:
    """What is already signed for these very bytes."""
    if sidecar.is_file():
        found = read_signed(Targets, sidecar.read_bytes())
        if _path_of(found.signed, package):
            if found.signed != base.signed:
                _check_next(found.signed, base.signed, now)
                _compare(found.signed, base.signed, package, floor)
            return found
    return base if _path_of(base.signed, package) else None


def _extend(
    base: Metadata[Targets], package: Inspected, floor: int | None, now: datetime
) -> Metadata[Targets]:
    """The next list of releases: all that there are, and this one."""
    signed = base.signed
    _check_version(signed, package)
    seq = _highest(signed) + 1
    custom = package.custom(
        channel=STABLE, seq=seq, floor_seq=_floor(signed, floor, seq), built=now
    )
    path = Target(STABLE, seq, package.about.version).path
    signed.targets[path] = signing.target_file(path, package.size, package.sha256, custom)
    signing.renew(signed, TARGETS, now)
    return Metadata(signed)


def _check_next(new: Targets, base: Targets, now: datetime) -> None:
    """A number far ahead would leave none for later lists, and a long life would be a freeze."""
    if new.version != base.version + 1 or new.expires > signing.expiry(TARGETS, now):
        told = f"version {new.version} until {new.expires:%Y-%m-%d}"
        reason = f"the other operator's list is {told}, not the next after {base.version}"
        raise Untrusted("mismatch", f"{reason}; {AGAIN}")


def _compare(new: Targets, base: Targets, package: Inspected, floor: int | None) -> None:
    """Nobody signs blindly: the other operator's list is what this desk's would be."""
    path = _path_of(new, package)
    if not follows(new, base) or set(new.targets) - set(base.targets) != {path}:
        reason = "the file beside the package is not the next list after the newest known here"
        raise Untrusted("mismatch", f"{reason}; {AGAIN}")
    _check_version(base, package)
    said = new.targets[path].custom["hive"]
    seq = _highest(base) + 1
    # Without a word on the floor, the other operator's counts; it may only rise.
    lowest = _floor(base, said["floor_seq"] if floor is None else floor, seq)
    mine = package.custom(channel=STABLE, seq=seq, floor_seq=lowest, built=new.expires)["hive"]
    wrong = [name for name in mine if name != "built" and mine[name] != said.get(name)]
    if wrong or Target.read(path).seq != seq or set(said) != set(mine):
        word = wrong[0] if wrong else "record"
        raise Untrusted("mismatch", f"the other operator signed another {word}; {AGAIN}")


def _check_version(base: Targets, package: Inspected) -> None:
    version = package.about.version
    for path in base.targets:
        if Target.read(path).version == version:
            raise Conflict(f"{path} was signed with other bytes; give the release a new version")


def _path_of(targets: Targets, package: Inspected) -> str:
    """Where these bytes are in a list; empty if they are not."""
    return next((path for path, file in targets.targets.items() if _is_of(file, package)), "")


def _is_of(file: TargetFile, package: Inspected) -> bool:
    return (file.length, file.hashes.get("sha256")) == (package.size, package.sha256)


def _highest(targets: Targets) -> int:
    return max((Target.read(path).seq for path in targets.targets), default=0)


def _floor(targets: Targets, wanted: int | None, seq: int) -> int:
    """Below which number nodes take no release any more. It only rises."""
    known = [int(file.custom["hive"]["floor_seq"]) for file in targets.targets.values()]
    lowest = max(known, default=0)
    if wanted is None:
        return lowest
    if not lowest <= wanted <= seq:
        rule = f"give {lowest} (the floor that is signed) to {seq} (this release)"
        raise NotAllowed(f"--floor {wanted}: {rule}", field="floor")
    return wanted
