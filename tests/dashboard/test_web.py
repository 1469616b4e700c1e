"""What every answer of the page carries, and what it never does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboard.web.headers import CONTENT_SECURITY_POLICY
from dashboard.web.language import chosen_language
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


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", ""])
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
