"""The whole way to a browser: a drawn class, the agent, a real Mosquitto, the page's own process, Chromium."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from edge_agent.protocol.messages import encode
from tests.dashboard.messages import birth, health, summary
from tests.support.broker import Mosquitto, Subscriber, free_port, running_mosquitto, wait_until
from tests.support.chromium import running_chromium

PATIENT_MS = 120_000
DEVICE = "classroom/v1/north/pi-3a"
ODD = "classroom/v1/north/odd"
MUTED, OPEN = b'{"v":1,"muted":true}', b'{"v":1,"muted":false}'


@dataclass(frozen=True)
class School:
    """A broker, and the page that listens there."""

    broker: Mosquitto
    address: str


@contextmanager
def running_command(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        command = [sys.executable, "-m", "edge_agent.cli", *words]
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_agent(broker: Mosquitto, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    settings = folder / "agent.toml"
    settings.write_text(
        f"""
        [device]
        site = "north"
        id = "pi-3a"
        room = "<b>3a</b>"
        [camera]
        source = "simulated"
        faces = 2
        width_px = 320
        height_px = 240
        fps = 2
        [detector]
        kind = "haar"
        [privacy]
        level = "faces"
        min_group = 1
        [mqtt]
        host = "{broker.host}"
        port = {broker.port}
        health_every_s = 2.0
        will_delay_s = 0
        """
    )
    with running_command("run", "--config", str(settings), log=folder / "agent.log") as agent:
        yield agent


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    folder, port = tmp_path_factory.mktemp("school"), free_port()
    with running_mosquitto(folder) as broker:
        settings = folder / "dashboard.toml"
        settings.write_text(
            f'[broker]\nhost = "{broker.host}"\nport = {broker.port}\n[page]\nport = {port}\n'
            f'[store]\nplace = "{folder}/page.db"\n'
        )
        log = folder / "page.log"
        with running_command("dashboard", "--config", str(settings), log=log):
            wait_until(lambda: f"http://127.0.0.1:{port}/" in log.read_text(), 120, "the page")
            yield School(broker, f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, school: School) -> Iterator[Page]:
    with contextlib.closing(browser.new_context(locale="en-GB")) as context:
        tab = context.new_page()
        tab.goto(school.address)
        yield tab


def card(tab: Page, name: str) -> Locator:
    return tab.locator("li.card", has=tab.get_by_role("link", name=name, exact=True))


def shows(element: Locator, text: str) -> None:
    expect(element).to_contain_text(text, timeout=PATIENT_MS)


def tell(broker: Mosquitto, topic: str, *payloads: bytes, retain: bool = False) -> None:
    with Subscriber(broker.port) as publisher:
        for payload in payloads:
            publisher.publish(topic, payload, retain=retain)


def test_a_class_appears_is_muted_opened_and_killed_before_the_eyes_of_who_looks(
    tab: Page, school: School, tmp_path: Path
) -> None:
    with running_agent(school.broker, tmp_path) as agent:
        room = card(tab, "<b>3a</b>")
        shows(room, "present")
        tell(school.broker, f"{DEVICE}/desired", MUTED, retain=True)
        shows(room, "Camera closed on request")
        expect(room).not_to_contain_text("present")
        tell(school.broker, f"{DEVICE}/desired", OPEN, retain=True)
        shows(room, "present")
        agent.kill()
        shows(room, "Connection broken")
    tab.goto(f"{school.address}/room/north/pi-3a")
    shows(tab.locator("main"), "camera closed on request")


def test_a_broker_that_restarts_is_gone_and_comes_back(tab: Page, school: School) -> None:
    tell(school.broker, f"{ODD}/status", encode(birth("odd room")), retain=True)
    shows(card(tab, "odd room"), "Waiting for the first figures")
    school.broker.stop()
    shows(tab.locator("#broker"), "There is no connection to the broker")
    shows(card(tab, "odd room"), "No connection to the broker")
    school.broker.start()
    expect(tab.locator("#broker .banner")).to_have_count(0, timeout=PATIENT_MS)


def test_a_clock_that_is_years_off_changes_no_figure_and_is_told_to_the_technician(tab: Page, school: School) -> None:
    years_off = (datetime.now(timezone.utc) + timedelta(days=3000)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    tell(school.broker, f"{ODD}/status", encode(birth("odd room")), retain=True)
    tell(school.broker, f"{ODD}/health", encode(health(observed_at=years_off)))
    tell(school.broker, f"{ODD}/summary", encode(summary(17, observed_at=years_off)))
    shows(card(tab, "odd room"), "17 people present")
    expect(card(tab, "odd room")).to_contain_text("second")
    tab.goto(f"{school.address}/devices")
    shows(card(tab, "odd"), "the clock of the device differs from the clock of this page (8 years)")


HOSTILE = [
    b"",
    b"{",
    b"\xff\xfe\x00",
    b"[" * 20_000,
    b'{"v":1}',
    b'{"v":2,"state":"online"}',
    b'{"v":1,"state":"online","session":"\\ud800<script>alert(1)</script>"}',
    encode(summary(20, seq=1, window_s=1e308)),
    encode(summary(10**15, seq=2)),
    encode(summary(20, seq=3, shares={"<script>" * 1000: 1.0})),
    encode(summary(20, seq=4, shares={f"label {number}": 0.001 for number in range(1000)})),
    encode(summary(20, seq=5, observed_at="not a time")),
    encode(summary(20, seq=2**53 - 1)),
    encode(birth("x" * 100_000)),
    encode(birth("\u202e\u0000\x1b[31mroom")),
    encode(health("<script>alert(1)</script>", problems=("y" * 10_000,) * 50)),
]


def test_hostile_messages_break_neither_the_page_nor_other_rooms(tab: Page, school: School) -> None:
    alarms: list[str] = []
    tab.on("dialog", lambda dialog: alarms.append(dialog.message))
    tab.on("pageerror", lambda error: alarms.append(str(error)))
    for name in ("status", "health", "summary", "expression", "reply", "desired"):
        tell(school.broker, f"classroom/v1/north/<img src=x onerror=alert(1)>/{name}", *HOSTILE)
    tell(school.broker, f"{ODD}/status", encode(birth("odd room", session="02")), retain=True)
    tell(school.broker, f"{ODD}/summary", encode(summary(23, session="02")))
    shows(card(tab, "odd room"), "23 people present")
    for path in ("/", "/devices", "/operate"):
        tab.goto(school.address + path)
        expect(tab.locator("h1")).to_be_visible()
        assert tab.locator("main script, main img").count() == 0
    for width in (360, 1920):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.goto(school.address)
        tab.locator("li.card").first.wait_for()
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    time.sleep(0.5)
    assert alarms == []
