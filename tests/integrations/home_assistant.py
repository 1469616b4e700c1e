"""A real Home Assistant with the folder of the pack as its configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import free_port, wait_until

PACK = Path(__file__).parents[2] / "integrations" / "home-assistant"
INSTALLED = Path(__file__).parents[2] / ".home-assistant"
"""Where ``.ci/ensure-home-assistant.sh`` puts Home Assistant."""

_START_S = 240.0
_WEBSOCKET = """
import asyncio, json, sys, aiohttp
async def main(url, token, command):
    async with aiohttp.ClientSession() as session, session.ws_connect(url + "/api/websocket") as socket:
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": token})
        await socket.receive_json()
        await socket.send_json({"id": 1, **json.loads(command)})
        print(json.dumps(await socket.receive_json()))
asyncio.run(main(*sys.argv[1:]))
"""


def _command(program: str) -> list[str]:
    """How a program of the installation is started."""
    if (INSTALLED / "usr" / "bin" / "python3.14").exists():
        return ["chroot", str(INSTALLED), f"/opt/hass/bin/{program}"]
    return [str(INSTALLED / "opt" / "hass" / "bin" / program)]


def _inside(folder: Path) -> str:
    """A folder's name as Home Assistant sees it."""
    return f"/{folder.relative_to(INSTALLED)}" if _command("hass")[0] == "chroot" else str(folder)


@dataclass
class HomeAssistant:
    """A running Home Assistant whose owner is this test.

    Attributes:
        url: Where it is.
        folder: Its configuration.
    """

    url: str
    folder: Path
    token: str = field(default="", repr=False)

    def ask(self, method: str, path: str, body: object = None, *, form: bool = False) -> Any:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        data = None
        if form and isinstance(body, dict):
            data = urllib.parse.urlencode(body).encode()
        elif body is not None:
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            said: bytes = answer.read()
        try:
            return json.loads(said)
        except ValueError:
            return said.decode()

    def command(self, **command: Any) -> Any:
        """The result of a command over the WebSocket, as the frontend sends it."""
        program = [*_command("python"), "-c", _WEBSOCKET, self.url, self.token, json.dumps(command)]
        said = json.loads(subprocess.run(program, capture_output=True, text=True, timeout=60, check=True).stdout)
        assert said["success"], said
        return said["result"]

    def sign_up(self) -> None:
        """Make the first user, whose token is used from now on."""
        user = {"name": "test", "username": "test", "password": "test", "language": "en", "client_id": self.url + "/"}
        code = self.ask("POST", "/api/onboarding/users", user)["auth_code"]
        grant = {"grant_type": "authorization_code", "code": code, "client_id": self.url + "/"}
        self.token = self.ask("POST", "/auth/token", grant, form=True)["access_token"]

    def add_broker(self, port: int) -> None:
        """Set the MQTT integration up, as a person does in the settings."""
        flow = self.ask("POST", "/api/config/config_entries/flow", {"handler": "mqtt"})
        required = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}
        answers = {"broker": "127.0.0.1", "port": port, "protocol": "5", "other_settings": required}
        done = self.ask("POST", f"/api/config/config_entries/flow/{flow['flow_id']}", answers)
        assert done["type"] == "create_entry", done

    def state(self, entity: str) -> str:
        """State of an entity; empty where there is none."""
        try:
            return str(self.ask("GET", f"/api/states/{entity}")["state"])
        except urllib.error.HTTPError:
            return ""

    def attributes(self, entity: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/states/{entity}")["attributes"]
        return found

    def call(self, service: str, **data: Any) -> None:
        """Call a service, as a button does."""
        self.ask("POST", f"/api/services/{service.replace('.', '/')}", data)

    def render(self, template: str) -> str:
        """What a template shows."""
        return str(self.ask("POST", "/api/template", {"template": template}))

    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "printed.log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_home_assistant(replacements: dict[str, str], more: str) -> Iterator[HomeAssistant]:
    """Start it with a copy of the pack's folder for the device ``north/pi-3a``; skips the test where it is missing.

    Args:
        replacements: What stands otherwise in the file of automations.
        more: Lines of configuration besides the pack's.
    """
    if "INTEGRATIONS" not in os.environ:
        pytest.skip("takes minutes (make test-integrations)")
    if not (INSTALLED / "opt" / "hass" / "bin" / "hass").exists():
        pytest.skip("Home Assistant is not installed (make test-integrations)")
    scratch = INSTALLED / "tmp"
    scratch.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    port = free_port()
    shutil.copytree(PACK, folder, dirs_exist_ok=True)
    for file in ("automations.yaml", "dashboard.yaml"):
        text = (folder / file).read_text(encoding="utf-8").replace("school_edge_1", "north_pi_3a")
        (folder / file).write_text(text, encoding="utf-8")
    for old, new in replacements.items():
        text = (folder / "automations.yaml").read_text(encoding="utf-8")
        assert old in text
        (folder / "automations.yaml").write_text(text.replace(old, new), encoding="utf-8")
    settings = (folder / "configuration.yaml").read_text(encoding="utf-8")
    http = f"http:\n  server_host: 127.0.0.1\n  server_port: {port}\n"
    (folder / "configuration.yaml").write_text(settings + http + more, encoding="utf-8")
    command = [*_command("hass"), "--config", _inside(folder), "--skip-pip"]
    with (folder / "printed.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, "HOME": "/root"})
    home = HomeAssistant(f"http://127.0.0.1:{port}", folder)

    def answers() -> bool:
        assert process.poll() is None, home.log()
        try:
            home.ask("GET", "/api/onboarding")
        except OSError:
            return False
        return True

    try:
        wait_until(answers, _START_S, "Home Assistant")
        home.sign_up()
        home.command(type="http/config/promote")  # else it goes back to its own address and port after five minutes
        wait_until(lambda: home.ask("GET", "/api/config")["state"] == "RUNNING", _START_S, "the end of its start")
        yield home
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            shutil.rmtree(folder, ignore_errors=True)
