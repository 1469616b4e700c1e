"""The pages in a real browser: nothing from elsewhere, usable by all, and up to date by themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.history import open_history
from dashboard.live.school import School
from dashboard.settings import DashboardSettings, OperatorSettings
from dashboard.web.ids import room_path
from edge_agent.client import BrokerChanged, Device, DeviceState, Notice, StateChanged
from tests.dashboard.example_lesson import store_lessons
from tests.dashboard.example_school import FACES, TOO_FEW, example_school
from tests.dashboard.messages import arrived, birth, health, online, summary
from tests.support import page as support
from tests.support.chromium import running_chromium

PATHS = (
    "/",
    "/devices",
    "/room/north/pi-0",
    "/room/north/pi-5",
    "/room/north/pi-12",
    "/room/north/pi-0/report",
    "/room/north/pi-5/report",
    "/operate",
    "/data",
    "/log",
    "/accounts",
    "/login",
    "/nothing",
)
HOSTILE = Device("<img src=x onerror=alert(1)>", "\"><script>alert(1)<b>&amp;'%00{{7*7}}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[support.Page]:
    history = open_history(str(tmp_path_factory.mktemp("store") / "history.db"))
    store_lessons(history, time.time())
    with support.running_page(example_school(), history=history) as page:
        yield page
    history.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def tell(served: support.Page, *notices: Notice) -> None:
    """Let the page hear something, as the client's thread does."""
    for notice in notices:
        served.hub.changed(served.site.school.apply(notice, time.time()))


def card(tab: Page, name: str) -> Locator:
    return tab.locator("li.card", has=tab.get_by_role("link", name=name, exact=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_no_page_keeps_anybody_out(browser: Browser, served: support.Page, path: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
    tab = context.new_page()
    tab.goto(served.address + path)
    found = Axe().run(tab)
    context.close()
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PATHS)
def test_no_page_asks_another_host_or_breaks_its_own_policy(tab: Page, served: support.Page, path: str) -> None:
    hosts, complaints = set(), []
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(served.address + path)
    tab.wait_for_timeout(300)
    assert hosts == {urlsplit(served.address).netloc}
    assert [text for text in complaints if "404" not in text] == []


@pytest.mark.parametrize("width", [360, 1920])
@pytest.mark.parametrize("path", PATHS)
def test_every_page_fits_its_width(browser: Browser, served: support.Page, path: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(served.address + path)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", [path for path in PATHS if path not in ("/", "/devices", "/login", "/nothing")])
def test_no_table_scrolls_sideways_on_a_telephone(
    browser: Browser, served: support.Page, path: str, language: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, locale=language)
    tab = context.new_page()
    tab.goto(served.address + path)
    tab.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    wide = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    assert tab.evaluate(wide) == 0
    labels = "[...document.querySelectorAll('table')].filter(one => !one.classList.contains('stack')).length"
    assert tab.evaluate(labels) == 0
    context.close()


def test_a_cell_on_a_telephone_says_what_it_is(browser: Browser, served: support.Page) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    tab = context.new_page()
    tab.goto(f"{served.address}/data")
    cell = tab.locator("td.number").first
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Rows"'
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == "none"
    context.close()


@pytest.mark.parametrize("path", PATHS[:3])
def test_a_page_weighs_at_most_one_and_a_half_megabytes(tab: Page, served: support.Page, path: str) -> None:
    tab.goto(served.address + path)
    size = tab.evaluate(
        "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
        ".reduce((sum, entry) => sum + entry.transferSize, 0)"
    )
    assert 0 < size <= 1_500_000


def test_a_change_in_a_room_appears_by_itself(tab: Page, served: support.Page) -> None:
    tab.goto(served.address)
    expect(card(tab, "Room 114")).to_contain_text("32 people present")
    tell(served, arrived(summary(7, seq=2), Device("north", "pi-14")))
    expect(card(tab, "Room 114")).to_contain_text("7 people present")


def test_a_room_that_needs_attention_moves_to_the_front(tab: Page, served: support.Page) -> None:
    tab.goto(served.address)
    room = Device("north", "pi-1")
    tab.get_by_role("link", name="Room 101", exact=True).focus()
    tell(served, StateChanged(room, DeviceState.OFFLINE, "connection_lost"))
    expect(tab.locator("li.card").first).to_contain_text("Room 101")
    expect(tab.locator("li.card").first).to_contain_text("Connection broken")
    expect(tab.get_by_role("link", name="Room 101", exact=True)).to_be_focused()
    tell(served, online(room), arrived(summary(19, seq=2), room))
    expect(tab.locator("li.card").first).not_to_contain_text("Room 101")


def test_too_few_is_never_a_number(tab: Page, served: support.Page) -> None:
    tab.goto(served.address)
    expect(card(tab, "Room 105")).to_contain_text("Too few to show")
    expect(card(tab, "Room 105")).not_to_contain_text("present")
    tab.goto(f"{served.address}/room/{TOO_FEW.site}/{TOO_FEW.id}")
    now = tab.locator("#room-now").inner_text()
    assert "present" not in now
    assert "%" not in now


def test_each_condition_looks_different_and_says_since_when(tab: Page, served: support.Page) -> None:
    tab.goto(served.address)
    states = tab.locator("li.card .state")
    looks = {
        re.sub(r"\s.*ago$", "", text.strip()): (html.split("#")[1].split('"')[0], "<time" in html)
        for text, html in zip(states.all_inner_texts(), (one.inner_html() for one in states.all()), strict=True)
    }
    assert len(looks) >= 10
    assert all(dated for name, (_, dated) in looks.items() if name != "Live")
    assert len({icon for icon, _ in looks.values()}) >= len(looks) - 1, "the two camera errors share a picture"


def test_single_faces_show_where_a_room_publishes_them(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/room/{FACES.site}/{FACES.id}")
    expect(tab.locator("#room-tracks li")).to_have_count(12)


def test_a_lesson_is_a_chart_with_its_data_as_a_table(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/room/north/pi-0")
    expect(tab.locator("#chart svg[role=img]")).to_be_visible()
    tab.get_by_text("The same as a table").click()
    cells = tab.locator("#chart-table")
    for text in ("no data", "withheld"):
        expect(cells.get_by_text(text).first).to_be_visible()
    expect(tab.locator(".happenings")).to_contain_text("camera: dark")


def test_begin_and_end_of_a_lesson_can_be_set_by_hand(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/room/north/pi-0")
    tab.locator("input[name=from]").fill("2026-11-23T08:00")
    tab.locator("input[name=to]").fill("2026-11-23T08:45")
    tab.get_by_role("button", name="Show").click()
    expect(tab.locator("main")).to_contain_text("Mon, 23 Nov 2026, 08:00 – 08:45")
    tab.get_by_role("link", name="A lesson begins now").click()
    tab.get_by_role("link", name="This lesson ends now").wait_for()


def test_a_narrow_screen_gets_a_chart_of_its_own(browser: Browser, served: support.Page) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800})
    tab = context.new_page()
    tab.goto(f"{served.address}/room/north/pi-0")
    tab.locator(".chart.narrow svg").wait_for()
    assert tab.locator(".chart").evaluate("chart => chart.scrollWidth <= chart.clientWidth")
    context.close()


@pytest.mark.parametrize("path", ["/room/north/pi-0", "/room/north/pi-0/report"])
def test_a_page_that_becomes_narrow_gets_the_narrow_chart_and_the_wide_one_again(
    browser: Browser, served: support.Page, path: str
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = context.new_page()
    tab.goto(f"{served.address}{path}")
    tab.locator(".chart:not(.narrow) svg").wait_for()
    tab.set_viewport_size({"width": 360, "height": 800})
    tab.locator(".chart.narrow svg").wait_for()
    assert tab.locator(".chart").evaluate("chart => chart.scrollWidth <= chart.clientWidth")
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.locator(".chart:not(.narrow) svg").wait_for()
    context.close()


def test_a_report_has_figures_comparison_and_questions_and_no_score(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/room/north/pi-0/report")
    text = tab.locator("main").inner_text()
    for wanted in ("With figures", "Withheld", "Missing", "People on average", "4 earlier lessons with enough figures"):
        assert wanted in text
    assert tab.locator(".questions li").count() == 3
    assert "no score and no ranking" in text


def test_a_report_is_four_pages_of_paper_at_most(browser: Browser, served: support.Page) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{served.address}/room/north/pi-0/report")
    pdf = tab.pdf(prefer_css_page_size=True)
    context.close()
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 4
    assert re.search(rb"/MediaBox\s*\[0 0 59[45]", pdf), "A4 is 595 points wide"


def test_figures_can_be_exported_for_the_time_that_is_shown(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/room/north/pi-0")
    with tab.expect_download() as waiting:
        tab.get_by_role("link", name="Figures as CSV").click()
    lines = waiting.value.path().read_text().splitlines()
    assert waiting.value.suggested_filename.endswith(".csv")
    assert lines[0].startswith("site,device,room,end,window_s,people")
    assert len(lines) > 100


def test_problems_are_in_plain_words_with_what_to_do(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/devices")
    hot = tab.locator("li.card", has_text="pi-4 ")
    expect(hot).to_contain_text("the processor is slowed down: heat or low voltage")
    expect(hot).to_contain_text("What to do: a heat sink or a better power supply")
    expect(hot).to_contain_text("a_new_word")
    expect(tab.locator("li.card", has_text="pi-3 ")).to_contain_text("the clock of the device differs")
    expect(tab.locator("li.card", has_text="pi-3 ")).to_contain_text("the certificate of the device ends soon")


def test_language_and_appearance_can_be_chosen_and_are_kept(tab: Page, served: support.Page) -> None:
    tab.goto(f"{served.address}/devices")
    tab.get_by_role("link", name="Deutsch").click()
    assert tab.locator("html").get_attribute("lang") == "de"
    assert urlsplit(tab.url).path == "/devices"
    tab.locator("footer nav").nth(1).get_by_role("link").nth(2).click()
    assert tab.locator("html").get_attribute("data-theme") == "dark"
    assert tab.locator("html").get_attribute("lang") == "de"
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(22, 24, 27)"


def test_the_keyboard_reaches_the_content_first(tab: Page, served: support.Page) -> None:
    tab.goto(served.address)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "content"
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/room/**")


ODD_NAMES = (
    ".",
    "..",
    "...",
    "a?b",
    "a#b",
    "100%",
    "%2E",
    "%2e%2e",
    "a b",
    "a\\b",
    "a&b=c",
    "räum",
    "",
    "export",
    "a;b",
)


def test_rooms_and_devices_with_odd_names_are_reached_and_noted(tab: Page) -> None:
    now = time.time()
    school = School(now)
    school.apply(BrokerChanged(connected=True, reason=""), now)
    devices = [Device("north", name) for name in ODD_NAMES] + [Device(name, "pi-1") for name in ODD_NAMES]
    for number, device in enumerate(devices):
        for notice in (online(device), arrived(birth(f"Room {number}"), device), arrived(summary(20), device)):
            school.apply(notice, now)
    with support.running_page(school) as served:
        tab.goto(served.address)
        links = [link.get_attribute("href") for link in tab.locator("li.card h2 a").all()]
        assert len(links) == len(devices)
        for number, device in enumerate(devices):
            tab.goto(served.address + room_path(device))
            expect(tab.locator("h1")).to_have_text(f"Room {number}")
            tell(served, arrived(summary(21, seq=2), device))
            expect(tab.locator("#room-now")).to_contain_text("21 people present")
        tab.get_by_role("link", name="Deutsch").click()
        assert tab.url == served.address + room_path(devices[-1]), "a choice of language leads back"


def test_names_full_of_markup_are_text_everywhere(tab: Page) -> None:
    now = time.time()
    school = School(now)
    room = '</h2><script>alert(1)</script><b>"&'
    hostile = health("<b>odd</b>", problems=("<script>alert(1)</script>", "'><img src=x onerror=alert(1)>"))
    for notice in (
        BrokerChanged(connected=True, reason=""),
        online(HOSTILE),
        arrived(birth(room, version="<i>0</i>"), HOSTILE),
        arrived(hostile, HOSTILE),
        arrived(summary(20, shares={"<u>glad</u>": 0.6, "uncertain": 0.4}), HOSTILE),
    ):
        school.apply(notice, now)
    alarms: list[str] = []
    tab.on("dialog", lambda dialog: alarms.append(dialog.message))
    tab.on("console", lambda message: alarms.append(message.text))
    with support.running_page(school) as served:
        for path in ("/", "/devices"):
            tab.goto(served.address + path)
            tell(served, arrived(summary(21, seq=2, shares={"<u>glad</u>": 0.7, "uncertain": 0.3}), HOSTILE))
            tab.wait_for_timeout(300)
            assert tab.locator("main script, main img, main b, main i, main u").count() == 0
        expect(tab.locator("li.card")).to_contain_text("<script>alert(1)</script>")
        tab.goto(served.address)
        tab.get_by_role("link", name="script").click()
        expect(tab.locator("h1")).to_have_text(room)
        expect(tab.locator("#room-now")).to_contain_text("<u>glad</u>")
        tell(served, arrived(summary(22, seq=3, shares={"<u>glad</u>": 0.8, "uncertain": 0.2}), HOSTILE))
        expect(tab.locator("#room-now")).to_contain_text("22 people present")
    assert alarms == []


@pytest.mark.parametrize("width", [360, 1000, 1920])
def test_an_operator_reaches_every_button_without_scrolling_aside(browser: Browser, width: int) -> None:
    school, now = School(time.time()), time.time()
    devices = Device("north", "pi-1"), Device("a-school-with-a-long-name", "pi-" + "7" * 40)
    for device, room in zip(devices, ("Room 101", "W" * 300), strict=True):
        school.apply(online(device), now)
        school.apply(arrived(birth(room), device), now)
    school.apply(StateChanged(devices[1], DeviceState.OFFLINE, "connection_lost"), now)
    settings = DashboardSettings(operator_broker=OperatorSettings(username="page-operator"))
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    with support.running_page(school, settings) as served:
        tab.goto(f"{served.address}/operate")
        boxes = [button.bounding_box() for button in tab.locator("main button").all()]
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
    assert len(boxes) == 6, "all cameras; close and snapshot, and of one that is gone remove"
    assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


def test_a_page_says_when_its_own_server_is_gone(tab: Page) -> None:
    with support.running_page(example_school()) as served:
        tab.goto(served.address)
        expect(tab.locator("#connection-lost")).to_be_hidden()
    expect(tab.locator("#connection-lost")).to_be_visible(timeout=30_000)
