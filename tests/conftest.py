"""Fixtures that several packages' tests share, and the quick tests.

``pytest --quick`` is a run as on a machine that has neither TensorFlow nor a broker: what needs one is skipped. So are
the few tests that are marked as slow.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from fleet.loadtest import local_broker
from tests.support import broker, chromium

_HEAVY = {"keras", "tensorflow", "jax", "amqtt"}

# How long an example takes depends on what else the machine does, so that is no reason to fail.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")


class _SkipHeavy:
    """Skips the module or the test that imports a library for training, or the embedded broker."""

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in _HEAVY:
            pytest.skip(f"needs {name}: not a quick test", allow_module_level=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="skip what needs TensorFlow, a broker or a browser, or is slow"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        sys.meta_path.insert(0, _SkipHeavy())
        broker.mosquitto_path = local_broker.mosquitto_path = lambda: None
        chromium.chromium_path = lambda: None


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name no test after bytes: those of an archive hold the time, and two processes would name it differently."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        for item in items:
            if item.get_closest_marker("slow") is not None:
                item.add_marker(pytest.mark.skip(reason="slow: not a quick test"))


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """A command that a test calls in this process sets logging up for every test after it."""
    root, ours = logging.getLogger(), logging.getLogger("edge_agent")
    levels, handlers = (root.level, ours.level), set(root.handlers)
    yield
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    for handler in set(root.handlers) - handlers:
        if type(handler) is logging.StreamHandler:  # pytest's own are of another type, and it takes them back itself
            root.removeHandler(handler)


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
