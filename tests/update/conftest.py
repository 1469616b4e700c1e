"""A device's updater with its folder, and the topics it hears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.update.harness import Harness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    """Ends the updater's thread afterwards."""
    pytest.importorskip("cryptography", reason="the extra fleet is not installed")
    made = Harness(tmp_path / "device")
    yield made
    made.updater.stop(in_order=True)
