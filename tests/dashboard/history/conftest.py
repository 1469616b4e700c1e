"""Fixtures: a history in a file of SQLite and in a PostgreSQL of the test's own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.history import History, open_history
from tests.support.postgres import PostgresServer, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server for all tests of the run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a history can be opened: a file, and an empty database at a server."""
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"history_{secrets.token_hex(4)}"
    server.create(name)
    return server.address(name)


@pytest.fixture
def open_again(place: str) -> Iterator[Callable[[], History]]:
    """Opens the history, as often as it is called, and closes it after the test."""
    opened: list[History] = []

    def open_once() -> History:
        opened.append(open_history(place))
        return opened[-1]

    yield open_once
    for history in opened:
        history.close()


@pytest.fixture
def history(open_again: Callable[[], History]) -> History:
    """An empty history."""
    return open_again()
