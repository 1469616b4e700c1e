"""A broker for the kit, and quick ways to judge a device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.conformance.clauses import Verdict
from tests.support.broker import Mosquitto, running_mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker that lets everyone in, one for all tests of a module."""
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    with running_mosquitto(folder) as made:
        yield made


def failures(verdicts: list[Verdict]) -> list[str]:
    """What failed, each in a line."""
    return [f"{verdict.number} {verdict.text} {verdict.why}" for verdict in verdicts if verdict.result == "fail"]
