"""A device's updater with its folder, and the topics it hears."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.update.school import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Ends the updater's thread afterwards."""
    pytest.importorskip("cryptography", reason="the extra fleet is not installed")
    made = Desk(tmp_path / "device")
    yield made
    made.updater.stop(in_order=True)
