"""While the database can be read and not written, who is logged in may look and log out; nothing else is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from dashboard.history.database import Database
from tests.dashboard.access.conftest import OWN, School
from tests.support.visitor import VisitorBrowser

ROOM = f"/room/{OWN.site}/{OWN.id}"


@contextmanager
def unwritable(database: Database) -> Iterator[None]:
    """A database that takes nothing until the block ends."""

    def refuse(connection: Any, _: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(database.engine, "connect", refuse)
    database.engine.dispose()
    yield
    event.remove(database.engine, "connect", refuse)
    database.engine.dispose()


def test_who_is_logged_in_stays_so_and_may_look(school: School) -> None:
    browser = school.browser("anna")
    with unwritable(school.history.database):
        for _ in range(5):
            school.clock.now += 900
            assert browser.get(ROOM).status == 200
        school.clock.now += 3601
        assert browser.get(ROOM).status == 303, "an hour without use ends it all the same"


def test_who_was_logged_in_before_may_log_out(school: School) -> None:
    browser = school.browser("anna")
    copy = VisitorBrowser(school.page.port, dict(browser.cookies))
    with unwritable(school.history.database):
        assert browser.post("/logout", page="/").status == 303
        assert copy.get(ROOM).status == 303
    assert copy.get(ROOM).status == 303


def test_sessions_that_were_ended_meanwhile_do_not_come_back(school: School) -> None:
    browser = school.browser("anna")
    with unwritable(school.history.database):
        school.clock.now += 900
        assert browser.get("/").status == 200
    school.access.sessions.end_all(school.access.accounts.find("anna"))
    assert browser.get("/").status == 303


def test_what_must_be_in_the_log_is_not_done(school: School) -> None:
    teacher, officer = school.browser("anna"), school.browser("dora")
    with unwritable(school.history.database):
        assert teacher.get(f"{ROOM}/export/csv").status == 503
        assert officer.post("/data/erase", {"room": "*", "confirmed": "yes"}, page="/data").status == 503
