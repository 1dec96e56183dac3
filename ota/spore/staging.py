"""Brings a release beside the one that runs: proved, unpacked, with all that it needs."""

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hive_site.kernel.crash import crash_point
from ota.spore.checking import Record, Trust, check_policy, check_python, check_room, learn
from ota.spore.cleaning import repair
from ota.spore.environments import Workshop, find_environment
from ota.spore.failures import Failed
from ota.spore.fetching import Fetcher, Pace, Wanted, deadline_for
from ota.spore.interpreters import Interpreter
from ota.spore.nexus import NexusClient
from ota.spore.orders import Ready, Request
from ota.spore.places import Places, discard
from ota.spore.trees import TREE, Tree, is_whole, read_tree, settle, unpack_release

#: Is told the step, and the fraction of it that is done.
Tell = Callable[[str, float], None]


def free_bytes(folder: Path) -> int:
    """How many bytes this process may still write there."""
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Means:
    """What a stager works with. `root` is the root of trust to pin, if one was brought along."""

    nexus: NexusClient
    trust: Trust
    now: Callable[[], datetime]
    pace: Pace
    env: Mapping[str, str]
    root: bytes | None = None
    free: Callable[[Path], int] = free_bytes


class Stager:
    """One attempt, by the one stager of its home. Everything that it raises is a `Failed`, or an
    `OSError` of the disk; an attempt after it, or after a kill, goes on from what is there.
    """

    def __init__(self, request: Request, means: Means, tell: Tell) -> None:
        self._request, self._means, self._tell = request, means, tell
        self._wanted, self._places = request.release, Places(request.home)
        self._ends_at = means.pace.clock() + request.deadline
        self._base: Interpreter | None = None

    def stage(self) -> tuple[Ready, Path]:
        """The release, ready to be run, and where its tree is."""
        self._tell("check", 0.0)
        check_policy(self._request)
        repair(self._places, self._untouchable())
        return self._take_ready() or self._make()

    def _take_ready(self) -> tuple[Ready, Path] | None:
        """The release as it lies here already; one that has drifted is deleted."""
        slot = self._places.releases / self._wanted.slot
        ready = Ready.read(slot)
        if ready is None:
            return None
        self._check_mark(ready)
        if not is_whole(slot / TREE, ready.manifest_sha256):
            self._check_touchable()
            discard(slot)
            return None
        tree = read_tree(slot / TREE)
        check_python(tree.about.python, self._interpreter().version)
        python = self._install(tree)
        if python != ready.python:
            ready = replace(ready, python=python)
            ready.write(slot)
        self._tell("ready", 1.0)
        return ready, tree.root

    def _make(self) -> tuple[Ready, Path]:
        self._check_touchable()
        record = self._check()
        package = self._fetch()
        tree = self._unpack(package, record)
        python = self._install(tree)
        crash_point("stager.installed")
        self._tell("ready", 0.0)
        ready = Ready(
            slot=self._wanted.slot,
            version=self._wanted.version,
            channel=self._wanted.channel,
            seq=self._wanted.seq,
            sha256=self._wanted.sha256,
            manifest_sha256=record.manifest_sha256,
            floor=record.floor_seq,
            python=python,
            task_modules=tree.about.task_modules,
        )
        root = settle(tree, self._places, ready)
        discard(tree.root.parent)
        self._tell("ready", 1.0)
        return ready, root

    def _check(self) -> Record:
        means = self._means
        record = learn(self._wanted, means.trust, means.nexus, root=means.root, now=means.now())
        check_python(record.python, self._interpreter().version)
        check_room(self._request.home, record, self._wanted.size, means.free)
        self._tell("check", 1.0)
        return record

    def _fetch(self) -> Path:
        self._tell("fetch", 0.0)
        sha256, size = self._wanted.sha256, self._wanted.size
        target = self._places.packages / f"{sha256}.zip"
        wanted = Wanted(target, frozenset({sha256}), size)
        seconds = min(deadline_for(size), self._left())
        package = Fetcher(self._means.pace, lambda part: self._tell("fetch", part)).fetch(
            wanted,
            lambda start: self._means.nexus.open_package(sha256, start, sha256),
            seconds=seconds,
        )
        crash_point("stager.fetched")
        return package

    def _unpack(self, package: Path, record: Record) -> Tree:
        self._tell("unpack", 0.0)
        attempt = self._places.staging / secrets.token_hex(8)
        attempt.mkdir(parents=True)
        tree = unpack_release(package, attempt / TREE, self._wanted, record)
        crash_point("stager.unpacked")
        self._tell("unpack", 1.0)
        return tree

    def _install(self, tree: Tree) -> str:
        """The Python for a tree: this installation's own one if it needs nothing else."""
        self._tell("deps", 0.0)
        request, about = self._request, tree.about
        if about.requirements_sha256 == request.own_requirements:
            python = request.own_python
        elif tree.lock is None:
            told = "it needs other packages than this node has, and brings no lock of them"
            raise Failed("deps", f"{told}; build it with one", permanent=True)
        else:
            python = find_environment(
                tree.lock, self._interpreter(), self._workshop(), lambda f: self._tell("deps", f)
            )
        self._tell("deps", 1.0)
        return python

    def _workshop(self) -> Workshop:
        means = self._means
        fetcher = Fetcher(means.pace)
        return Workshop(self._places, means.nexus, fetcher, self._left, means.env)

    def _interpreter(self) -> Interpreter:
        if self._base is None:
            self._base = Interpreter.of(self._request.own_python)
        return self._base

    def _left(self) -> float:
        return max(0.0, self._ends_at - self._means.pace.clock())

    def _check_mark(self, ready: Ready) -> None:
        """A release that lies here must be the one that was ordered."""
        wanted = self._wanted
        for field in ("sha256", "version", "channel", "seq"):
            ordered, found = getattr(wanted, field), getattr(ready, field)
            if ordered != found:
                told = f"{field}: ordered is {ordered!r}, {wanted.slot} is {found!r}"
                raise Failed("mismatch", told, permanent=True)

    def _untouchable(self) -> frozenset[str]:
        return self._request.keep | {self._places.current()}

    def _check_touchable(self) -> None:
        slot = self._places.releases / self._wanted.slot
        if slot.name in self._untouchable() and os.path.lexists(slot):
            told = f"{slot} is not as it was signed, and it is in use; run another release first"
            raise Failed("drift", told)
