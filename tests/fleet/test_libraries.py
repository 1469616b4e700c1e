"""A school's machine needs none of a device's libraries, but to check a bundle before it is published."""

from __future__ import annotations

import pytest

from tests.support.without_extras import run_without

IMPORT_ALL = """
import importlib, pkgutil, fleet
names = [module.name for module in pkgutil.walk_packages(fleet.__path__, "fleet.")]
for name in names:
    if name != "fleet.bundle_check":
        importlib.import_module(name)
print(len(names))
"""


def test_only_the_check_of_a_bundle_needs_a_devices_libraries() -> None:
    pytest.importorskip("cryptography", reason="the extra fleet is not installed")
    done = run_without(IMPORT_ALL, absent=("numpy", "cv2", "ai_edge_litert", "tensorflow"))
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
