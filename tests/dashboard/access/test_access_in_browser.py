"""The pages of access in a real browser: no barrier, no other host, no width too small, and a login by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from edge_agent.client import Device
from tests.dashboard.access.conftest import PASSWORD, School
from tests.support.chromium import running_chromium

PATHS = ("/account", "/accounts", "/log", "/data", "/operate")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser, school: School) -> Iterator[BrowserContext]:
    """A browser in which somebody with every role is logged in."""
    school.add("eve", "teacher", "operator", "data_officer")
    hostile = Device("<b>", '"><script>alert(1)</script>')
    school.access.audit.record("look", "eve", "10.0.0.1", school.clock(), device=hostile, detail="<img src=x>")
    context = browser.new_context(locale="en-GB")
    log_in(context.new_page(), school)
    yield context
    context.close()


def log_in(tab: Page, school: School) -> None:
    """By keyboard alone."""
    tab.goto(f"{school.page.address}/log")
    expect(tab.locator("input[name=name]")).to_be_focused()
    tab.keyboard.type("eve")
    tab.keyboard.press("Tab")
    tab.keyboard.type(PASSWORD)
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"{school.page.address}/log", timeout=60_000)


def test_the_pages_keep_nobody_out_and_ask_no_other_host(context: BrowserContext, school: School) -> None:
    tab = context.pages[0]
    hosts, complaints = set(), []
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PATHS:
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            tab.goto(school.page.address + path)
            found = Axe().run(tab)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
    assert hosts == {urlsplit(school.page.address).netloc}
    assert complaints == []


@pytest.mark.parametrize("width", [360, 1920])
def test_the_pages_fit_their_width(context: BrowserContext, school: School, width: int) -> None:
    tab = context.pages[0]
    tab.set_viewport_size({"width": width, "height": 800})
    for path in PATHS:
        tab.goto(school.page.address + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_long_entry_of_the_log_does_not_fill_a_phone(context: BrowserContext, school: School) -> None:
    reason = "mute failed: broker 10.0.0.2:8883 cannot be reached: " + "start it, or set the host. " * 5
    school.access.audit.record("command", "eve", "10.0.0.1", school.clock(), detail=reason)
    tab = context.pages[0]
    tab.set_viewport_size({"width": 360, "height": 800})
    tab.goto(f"{school.page.address}/log")
    box = tab.locator("tr", has_text="mute failed").bounding_box()
    assert box is not None
    assert box["height"] < 250


def test_the_login_keeps_nobody_out_and_says_what_was_wrong(browser: Browser, school: School) -> None:
    tab = browser.new_page(locale="de-DE")
    tab.goto(school.page.address)
    for _ in range(2):
        found = Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        tab.get_by_label("Name").fill("dora")
        tab.get_by_label("Passwort").fill("falsch falsch")
        tab.get_by_role("button", name="Anmelden").click()
        expect(tab.get_by_role("alert").first).to_contain_text("falsch")
    tab.close()


def test_logging_out_leads_to_the_login(context: BrowserContext) -> None:
    tab = context.pages[0]
    tab.get_by_role("button", name="Log out").click()
    tab.wait_for_url("**/login")
    expect(tab.get_by_role("heading", name="Log in")).to_be_visible()


def test_erasing_asks_first(context: BrowserContext, school: School) -> None:
    tab = context.pages[0]
    tab.goto(f"{school.page.address}/data")
    tab.get_by_label("Room").select_option("*")
    tab.get_by_role("button", name="Erase").click()
    expect(tab.get_by_role("heading", name="Erase for good?")).to_be_visible()
    found = Axe().run(tab)
    assert found.violations_count == 0, found.generate_report()
    tab.get_by_role("link", name="Back").click()
    assert school.log("erase") == []


def test_an_open_page_leads_to_the_login_when_its_session_ends(context: BrowserContext, school: School) -> None:
    tab = context.pages[0]
    tab.goto(school.page.address)
    expect(tab.get_by_role("heading", name="Rooms")).to_be_visible()
    school.access.accounts.remove("eve")
    tab.wait_for_url("**/login", timeout=60_000)
