"""A real Node-RED with the flow of the pack, and what it shows."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.broker import free_port, wait_until
from tests.support.node import INSTALLED, node_with

PACK = Path(__file__).parents[2] / "integrations" / "node-red"
FLOW = PACK / "classroom.json"
_START_S = 120.0


@dataclass(frozen=True)
class NodeRed:
    """A running Node-RED.

    Attributes:
        url: Where its editor and its pages are.
        log: What it printed.
    """

    url: str
    log: Path

    def load(self, flow: list[dict[str, Any]]) -> None:
        """Deploy a flow in place of all others, as the editor does, and wait until it has its broker."""
        self.ask("POST", "/flows", [])  # which also forgets what the flow before remembered
        wait_until(lambda: not self._is_connected(), what="the end of the flow before")
        self.ask("POST", "/flows", flow)
        wait_until(self._is_connected, what="the connection")

    def _is_connected(self) -> bool:
        try:
            return bool(self.get("/classroom/devices")["connected"])
        except urllib.error.HTTPError:  # Node-RED answers before its flow has started
            return False

    def get(self, path: str) -> Any:
        """What a page for programs answers."""
        return json.loads(self.ask("GET", path))

    def page(self) -> str:
        """The page for people."""
        return self.ask("GET", "/classroom").decode()

    def device(self, name: str) -> dict[str, Any]:
        """What is shown of a device, empty where it is not known."""
        shown = self.get("/classroom/devices")["devices"]
        return next((it for it in shown if f"{it['site']}/{it['device']}" == name), {})

    def alarms(self) -> list[tuple[str, bool]]:
        """Text of every alarm, the newest first, and whether it says that something is over."""
        return [(alarm["text"], alarm["over"]) for alarm in self.get("/classroom/devices")["alarms"]]

    def mute(self, asked: object) -> tuple[int, dict[str, Any]]:
        """Ask as the page does; gives the HTTP status and the answer."""
        try:
            return 200, json.loads(self.ask("POST", "/classroom/mute", asked))
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            said: bytes = answer.read()
        return said


def flow_for(port: int, alarm_after_s: float = 0) -> list[dict[str, Any]]:
    """The flow of the pack, with nothing changed but the broker's port and how long an alarm waits."""
    flow: list[dict[str, Any]] = json.loads(FLOW.read_text(encoding="utf-8"))
    (broker,) = (node for node in flow if node["type"] == "mqtt-broker")
    (tab,) = (node for node in flow if node["type"] == "tab")
    assert (broker["broker"], broker["port"]) == ("localhost", "1883")
    broker["broker"], broker["port"] = "127.0.0.1", str(port)
    (setting,) = tab["env"]
    setting["value"] = str(alarm_after_s)
    return flow


@contextmanager
def running_node_red(folder: Path) -> Iterator[NodeRed]:
    """Start it with the pack's settings and without a flow; skips the test where it is not installed."""
    node = node_with("node-red")
    shutil.copy(PACK / "settings.js", folder)
    program = Path(node.env["NODE_PATH"] or INSTALLED) / "node-red" / "red.js"
    port, log = free_port(), folder / "node-red.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [node.program, str(program), "--userDir", str(folder), "-D", "uiHost=127.0.0.1"],
            stdout=out,
            stderr=out,
            env=node.env | {"PORT": str(port)},
        )
    running = NodeRed(f"http://127.0.0.1:{port}", log)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            running.ask("GET", "/flows")
        except OSError:
            return False
        return True

    try:
        wait_until(answers, _START_S, "Node-RED")
        yield running
    finally:
        process.terminate()
        process.wait(60)
