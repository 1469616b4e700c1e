"""What the log says beside what somebody did: in the reader's language, and as it was where it cannot be translated."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from sqlalchemy import text, update

from dashboard.access.access import Access
from dashboard.access.details import TEXTS, Detail, read_detail, rooms_value, said, span_detail
from dashboard.access.roles import Visitor
from dashboard.access.tables import audit
from dashboard.history import open_history
from dashboard.history.tables import schema_versions
from dashboard.settings import LANGUAGES, AccessSettings
from dashboard.web.language import catalogue
from edge_agent.client.events import Device
from tests.dashboard.access.conftest import OWN, School

NOW = 1_795_000_000.0
DETAILS = (
    Detail("rooms"),
    Detail("everywhere"),
    Detail("export", {"form": "csv"}),
    Detail("export-span", {"form": "csv", "start": NOW, "end": NOW + 60}),
    *(Detail(act) for act in ("mute", "unmute", "snapshot", "remove")),
    Detail("failed", {"act": "mute", "reason": "100 % of <b>"}),
    span_detail(NOW, NOW + 60),
    span_detail(float("-inf"), float("inf")),
    span_detail(float("-inf"), NOW),
    span_detail(NOW, float("inf")),
    Detail("done", {"counts": {"windows": 5, "health": 2}}),
    Detail("done", {"counts": {}}),
    Detail("own-password"),
    Detail("account-added", {"name": "anna", "roles": ["teacher"], "rooms": rooms_value(frozenset({OWN}))}),
    Detail("account-removed", {"name": "anna"}),
    Detail("account-password", {"name": "anna"}),
    Detail("account-rooms", {"name": "anna", "rooms": []}),
    Detail("account-roles", {"name": "anna", "roles": ["operator", "data_officer"]}),
)


def test_every_word_is_tried_here() -> None:
    assert {detail.word for detail in DETAILS} == set(TEXTS)


@pytest.mark.parametrize("detail", DETAILS, ids=lambda detail: detail.word)
def test_a_detail_is_read_as_it_was_written_and_said_in_every_language(detail: Detail) -> None:
    assert read_detail(detail.written()) == detail
    texts = {said(detail, translate=catalogue(language).gettext) for language in LANGUAGES}
    assert len(texts) > 1
    assert not [text for text in texts if "%(" in text]


@pytest.mark.parametrize(
    "stored", ["", "rooms", "[]", "[1,2]", '["nothing",{}]', '["rooms",[]]', "{", "null", "[[],{}]"]
)
def test_what_no_detail_is_is_shown_as_it_was_stored(stored: str) -> None:
    assert read_detail(stored) is None


def test_the_log_is_in_the_readers_language(school: School) -> None:
    for detail in DETAILS:
        school.access.audit.record("accounts", "dora", "terminal", school.clock(), detail=detail)
    browser = school.browser("dora")
    page = html.unescape(browser.get("/log?action=accounts").text)
    for words in ("anna added: teacher, north/pi-0", "mute failed: 100 % of <b>", "from the beginning to now"):
        assert words in page, words
    assert "done: Figures of groups, at full resolution: 5, Reports of devices: 2" in page
    german = html.unescape(browser.get("/log?action=accounts", accept_language="de").text)
    for words in (
        "anna hinzugefügt: Lehrperson, north/pi-0",
        "Kamera schließen: misslungen",
        "von Anfang an bis jetzt",
    ):
        assert words in german, words
    assert "added" not in german


def test_entries_of_an_older_version_are_kept_and_shown(tmp_path: Path) -> None:
    history = open_history(str(tmp_path / "dashboard.db"))
    Access(history.database, AccessSettings())
    with history.writing() as connection:
        connection.execute(text("ALTER TABLE audit DROP COLUMN parts"))
        connection.execute(update(schema_versions).where(schema_versions.c.part == "access").values(version=1))
        columns = [column for column in audit.c if column.name != "parts"]
        row = {"id": 1, "at_ms": 1000, "who": "dora", "address": "x", "action": "erase", "site": "", "device": ""}
        names = ", ".join(column.name for column in columns)
        marks = ", ".join(f":{column.name}" for column in columns)
        connection.execute(text(f"INSERT INTO audit ({names}) VALUES ({marks})"), row | {"detail": "done: 5 health"})
    access = Access(history.database, AccessSettings())
    access.audit.record("erase", "dora", "x", NOW, device=Device("a", "b"), detail=Detail("rooms"))
    newer, older = access.audit.entries(Visitor())
    assert (older.detail, older.parts) == ("done: 5 health", None)
    assert newer.parts == Detail("rooms")
    history.close()
