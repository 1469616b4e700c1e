"""A page with accounts, over a database of the test's own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dashboard.access.access import Access
from dashboard.access.audit import Entry
from dashboard.access.roles import Role, Visitor
from dashboard.history.store import History, open_history
from dashboard.settings import DashboardSettings, PageSettings
from edge_agent.client import Device
from tests.dashboard.example_school import example_school
from tests.dashboard.history.conftest import place, postgres
from tests.support.page import Page, running_page
from tests.support.visitor import VisitorBrowser

__all__ = ["place", "postgres"]

PASSWORD = "correct horse battery"
OWN, OTHER = Device("north", "pi-0"), Device("north", "pi-12")


class SettableClock:
    """Unix time that the test moves."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class School:
    """A page with accounts.

    Attributes:
        page: The running page.
        access: Its accounts and log.
        history: Its database.
        clock: Its time.
    """

    page: Page
    access: Access
    history: History
    clock: SettableClock

    def add(self, name: str, *roles: Role, rooms: tuple[Device, ...] = ()) -> None:
        """Make an account with the usual password."""
        self.access.accounts.add(name, PASSWORD, roles, rooms, self.clock())

    def browser(self, name: str = "") -> VisitorBrowser:
        """A browser, logged in where a name is given."""
        browser = VisitorBrowser(self.page.port)
        if name:
            assert browser.log_in(name, PASSWORD).status == 303
        return browser

    def log(self, action: str = "") -> list[Entry]:
        """The whole log, the newest first."""
        return self.access.audit.entries(Visitor(), action=action)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = open_history(str(tmp_path / "dashboard.db"))
    yield history
    history.close()


@pytest.fixture
def make_school(history: History) -> Iterator[Callable[[], School]]:
    clock = SettableClock(time.time())
    settings = DashboardSettings(page=PageSettings(time_zone="Europe/Zurich"))
    with running_page(example_school(), settings, clock, history) as page:
        assert page.site.access is not None
        yield lambda: School(page, page.site.access, history, clock)  # type: ignore[arg-type]


@pytest.fixture
def empty(make_school: Callable[[], School]) -> School:
    """A page without accounts."""
    return make_school()


@pytest.fixture
def school(make_school: Callable[[], School]) -> School:
    """A page with a teacher of one room, an operator and a data officer."""
    school = make_school()
    school.add("anna", "teacher", rooms=(OWN,))
    school.add("otto", "operator")
    school.add("dora", "data_officer")
    return school
