"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does, so that is no reason to fail.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with fer2013/, ck48/, detector/ and faces/, named by ``CLASSROOM_DATA``; skips where it is not set."""
    named = os.environ.get("CLASSROOM_DATA")
    if not named:
        pytest.skip("CLASSROOM_DATA is not set: it names the folder with fer2013/, ck48/, detector/ and faces/")
    folder = Path(named)
    if not folder.is_dir():
        pytest.skip(f"CLASSROOM_DATA names {folder}, which is not a folder")
    return folder
