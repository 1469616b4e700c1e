"""The whole page as a process of its own: who may reach it, and by which certificate."""

from __future__ import annotations

import http.client
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.access.access import Access
from dashboard.cli import _where
from dashboard.history.database import Database
from dashboard.settings import AccessSettings, DashboardSettings, PageSettings
from fleet.cli import init
from fleet.page_cli import page
from tests.dashboard.access.conftest import PASSWORD
from tests.support.broker import free_port, wait_until
from tests.support.visitor import VisitorBrowser

NOW = time.time()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "dashboard.toml"
    file.write_text(
        f'[page]\nport = {free_port()}\n[broker]\nport = {free_port()}\n[store]\nplace = "{tmp_path}/d.db"\n'
    )
    return file


def add_account(config: Path) -> None:
    database = Database(str(config.parent / "d.db"))
    access = Access(database, AccessSettings())
    access.accounts.add("dora", PASSWORD, ["data_officer"], [], NOW)
    access.audit.record("look", "dora", "x", NOW - 400 * 86400, detail="long ago")
    database.close()


def command(config: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "edge_agent.cli", "dashboard", "--config", str(config), *arguments]


def refused(config: Path, *arguments: str) -> str:
    done = subprocess.run(command(config, *arguments), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 4, done.stderr
    return done.stderr


@contextmanager
def serving(config: Path, *arguments: str) -> Iterator[str]:
    """The page's address."""
    log = config.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command(config, *arguments), stdout=out, stderr=out)
    try:
        wait_until(lambda: "the page is at" in log.read_text() or process.poll() is not None, 100, "the page")
        found = re.search(r"the page is at (\S+)", log.read_text())
        assert found is not None, log.read_text()
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_nobody_else_reaches_a_page_without_accounts_and_the_refusal_names_the_command(config: Path) -> None:
    said = refused(config, "--host", "0.0.0.0")
    assert f"edge-agent dashboard accounts --config {config} add NAME --role data_officer" in said


def test_with_an_account_a_certificate_is_asked_for(config: Path) -> None:
    add_account(config)
    assert "fleet page --host NAME" in refused(config, "--host", "0.0.0.0")


def test_with_an_account_and_the_word_that_it_does_not_matter_others_reach_it(config: Path) -> None:
    add_account(config)
    config.write_text(config.read_text().replace("[page]\n", '[page]\nplain_http = true\nhost = "0.0.0.0"\n'))
    with serving(config) as address:
        browser = VisitorBrowser(int(address.rsplit(":", 1)[1].strip("/")))
        assert browser.get("/").location == "/login"
        assert browser.log_in("dora", PASSWORD).status == 303
        text = browser.get("/log").text
        assert "Logged in" in text
        assert "long ago" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tls-cert", "/nowhere", "--tls-key", "/nowhere"), "cannot be read"),
        (("--tls-cert", __file__, "--tls-key", __file__), "no PEM files of these kinds, or damaged ones"),
        (("--tls-cert", __file__), "both tls_cert and tls_key"),
    ],
)
def test_certificates_that_cannot_be_used_are_named(config: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(config, *arguments)


@pytest.mark.parametrize(
    ("host", "cert", "said"),
    [
        ("127.0.0.1", "", "the page is at ADDRESS"),
        ("0.0.0.0", "", "the page is at ADDRESS (every address of this machine: open it by this machine's name)"),
        (
            "::",
            "page.crt",
            "the page is at ADDRESS (every address of this machine: open it by a name of its certificate)",
        ),
    ],
)
def test_an_address_that_nobody_can_open_is_not_all_that_is_said(host: str, cert: str, said: str) -> None:
    settings = DashboardSettings(page=PageSettings(host=host, tls_cert=cert))
    assert _where("ADDRESS", settings) == said


def test_the_schools_certificate_encrypts_and_the_cookies_need_it(config: Path, tmp_path: Path) -> None:
    add_account(config)
    school, files = tmp_path / "fleet", tmp_path / "page"
    init("North School", host=["localhost"], folder=school, broker_folder=tmp_path / "broker", reload="true")
    page(["localhost", "127.0.0.1"], out=files, folder=school)
    arguments = ("--tls-cert", str(files / "page.crt"), "--tls-key", str(files / "page.key"))
    with serving(config, *arguments) as address:
        assert address.startswith("https://127.0.0.1:")
        port = int(address.rsplit(":", 1)[1].strip("/"))
        trusting = ssl.create_default_context(cafile=str(files / "ca.crt"))
        connection = http.client.HTTPSConnection("localhost", port, context=trusting, timeout=30)
        connection.request("GET", "/login")
        answer = connection.getresponse()
        text = answer.read().decode()
        cookie = answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"]
        assert cookie.startswith("__Host-login=")
        assert "Secure" in cookie
        found = re.search(r'name="form_token" value="([^"]*)"', text)
        assert found is not None
        body = f"form_token={found[1]}&name=dora&password={PASSWORD.replace(' ', '+')}"
        headers = {"Cookie": cookie.split(";")[0], "Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login", body, headers)
        answer = connection.getresponse()
        answer.read()
        cookies = answer.headers.get_all("Set-Cookie") or []
        [session] = [line for line in cookies if line.startswith("__Host-session=")]
        assert {"HttpOnly", "Secure"} <= {part.strip() for part in session.split(";")}
        connection.close()
        other = http.client.HTTPSConnection("localhost", port, context=ssl.create_default_context(), timeout=30)
        with pytest.raises(OSError, match="certificate verify failed"):
            other.connect()
        plain = http.client.HTTPConnection("localhost", port, timeout=30)
        plain.request("GET", "/")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
