"""What every answer of the page carries, and what it never does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timezone
from pathlib import Path

import pytest
from babel import Locale
from msgspec import UNSET, UnsetType

from dashboard.history import Recorder, open_history
from dashboard.web.formats import Formats
from dashboard.web.headers import CONTENT_SECURITY_POLICY
from dashboard.web.language import chosen_language
from dashboard.web.pages.lesson import export_name
from edge_agent.client import Device
from edge_agent.protocol.messages import OutboxHealth, Percentiles
from tests.dashboard.messages import arrived, health, summary
from tests.dashboard.test_live import LIVE, school_after
from tests.support.page import Page, running_page


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with running_page(school_after(*LIVE)) as page:
        yield page


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/page.js", "/static/nothing", "/events?view=nothing"])
def test_every_answer_has_the_strict_policy(page: Page, path: str) -> None:
    answer, _ = page.get(path)
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_is_in_the_language_that_the_browser_asks_for(page: Page) -> None:
    _, text = page.get("/", Accept_Language="de-CH,de;q=0.9,en;q=0.5")
    assert '<html lang="de"' in text


@pytest.mark.parametrize(
    ("cookie", "accepted", "chosen"),
    [
        ("fr", "de", "fr"),
        (None, "de-CH, fr;q=0.9", "de"),
        (None, "fr;q=0.1, es;q=0.9", "es"),
        (None, "pt-BR, ja", "id"),
        ("xx", "", "id"),
        (None, "de;q=x,;;,", "id"),
    ],
)
def test_a_language_is_chosen_by_cookie_then_header_then_settings(
    cookie: str | None, accepted: str, chosen: str
) -> None:
    assert chosen_language(cookie, accepted, "id") == chosen


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "//[", "evil", ""])
def test_a_choice_of_language_leads_back_to_no_other_host(page: Page, back: str) -> None:
    answer, _ = page.get(f"/preferences?language=de&back={back}")
    assert answer.headers["Location"] == "/"
    assert answer.headers["Set-Cookie"].startswith("language=de;")


@pytest.mark.parametrize("path", ["/", "/events?view=school"])
def test_a_name_that_another_site_made_lead_here_shows_nothing(page: Page, path: str) -> None:
    """Else its scripts would read the page as their own: DNS rebinding."""
    answer, text = page.get(path, Host="evil.example")
    assert answer.status == 421
    assert "2b" not in text


@pytest.mark.parametrize("huge", [1e308, -1e308, 2.0**63, 1e29])
def test_a_number_beyond_all_bounds_breaks_no_page(huge: float) -> None:
    report = health(
        fps=huge,
        temperature_c=huge,
        latency_ms={"total": Percentiles(p50=huge, p95=huge)},
        outbox=OutboxHealth(storage="disk", pending=10**5000, kept_bytes=0, lost=10**5000),
    )
    school = school_after(*LIVE, arrived(report), arrived(summary(10**5000, seq=2)))
    with running_page(school) as page:
        for path in ("/", "/devices", "/room/north/pi-1"):
            answer, text = page.get(path)
            assert answer.status == 200
            assert not re.search(r"\d{20}", text)
    formats = Formats(Locale("de"), timezone.utc)
    for write in (formats.number, formats.percent, formats.minutes, formats.duration, formats.size):
        assert write(huge)


def test_a_page_that_cannot_be_made_says_so_as_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_page(school_after(*LIVE)) as page:
        monkeypatch.setattr(Formats, "number", lambda *_: 1 / 0)
        answer, text = page.get("/devices")
        assert answer.status == 500
        assert "This did not work." in text
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def fails(*_: object, **__: object) -> None:
    raise ZeroDivisionError("in a test")


@pytest.mark.parametrize(
    ("path", "cause"), [("/login", "login"), ("/preferences", "preferences"), ("/events", "events")]
)
def test_an_error_anywhere_is_answered_as_a_page_and_logged(
    path: str, cause: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_page() as page:
        for route in page.app.routes:
            if getattr(route, "name", "") == cause:
                monkeypatch.setattr(route, "app", fails)
        answer, text = page.get(path, Accept_Language="en")
    assert answer.status == 500
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert ("This did not work." in text) == (path != "/events")
    assert "ZeroDivisionError" not in text
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]


def test_an_error_in_what_every_page_needs_is_answered_with_the_policy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_page() as page:
        monkeypatch.setattr(page.site.templates, "render", fails)
        answer, text = page.get("/")
    assert (answer.status, text) == (500, "500\n")
    assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pi-3a", "pi-3a-2026-11-29.csv"),
        ("../../etc/passwd", "etc-passwd-2026-11-29.csv"),
        ('a"; filename=b\r\nX: 1', "a-filename-b-X-1-2026-11-29.csv"),
        ("..", "room-2026-11-29.csv"),
        ("räüm", "r-m-2026-11-29.csv"),
        ("a" * 500, "a" * 40 + "-2026-11-29.csv"),
    ],
)
def test_a_saved_file_says_which_room_it_is_of_and_leads_nowhere(name: str, file: str) -> None:
    assert export_name(Device("north", name), "2026-11-29", "csv") == file


@pytest.mark.parametrize(("replaced", "said"), [(False, "It waits in memory."), (True, "does not record at present")])
def test_a_page_that_stores_nothing_says_whether_it_ever_will(tmp_path: Path, replaced: bool, said: str) -> None:
    history = open_history(f"{tmp_path}/page.db")
    with running_page(school_after(*LIVE), history=history) as page:
        page.site.recorder = recorder = Recorder(history)
        recorder.problem = "the reason"
        recorder.replaced = replaced
        for path in ("/", "/devices", "/room/north/pi-1", "/operate", "/data", "/log"):
            assert said in page.get(path)[1]
    history.close()


@pytest.mark.parametrize("people", [20, None])
@pytest.mark.parametrize("rough", [True, UNSET])
def test_a_room_with_rough_figures_says_why_they_are_rough(people: int | None, rough: bool | UnsetType) -> None:
    with running_page(school_after(*LIVE, arrived(summary(people, seq=2, approximate=rough)))) as page:
        assert ("rough on purpose" in page.get("/room/north/pi-1")[1]) is (rough is True)


@pytest.mark.parametrize("path", ["/", "/room/north/pi-1"])
@pytest.mark.parametrize(("rough", "begun"), [(True, True), (UNSET, False)])
def test_a_room_that_protects_single_members_does_not_say_that_few_are_there(
    path: str, rough: bool | UnsetType, begun: bool
) -> None:
    with running_page(school_after(*LIVE, arrived(summary(None, seq=2, approximate=rough)))) as page:
        text = page.get(path)[1]
    assert ("Withheld: too few people, or the class has only just begun" in text) is begun
    assert ("Too few to show" in text) is ("few people or none are there" in text) is not begun
