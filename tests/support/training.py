"""Whether tests may train in processes of their own."""

from __future__ import annotations

import importlib.util

import pytest


def needs_training() -> None:
    """Skip the test where Keras is not installed, and in a quick run. Imports nothing."""
    if importlib.util.find_spec("keras") is None:
        pytest.skip("Keras is not installed: pip install -e '.[train]'")
