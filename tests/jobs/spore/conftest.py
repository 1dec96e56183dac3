import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.spore.slots import SOFT_STOP
from tests.jobs.spore.cast import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    """A slot and all that it needs; the process's signals and environment are given back."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    before = signal.getsignal(SOFT_STOP)
    yield Stage(monkeypatch, tmp_path)
    signal.signal(SOFT_STOP, before)
