"""The Node-RED flow, in a real Node-RED, beside a plain subscriber."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.classroom import DEVICE, running_classroom
from tests.integrations.node_red import NodeRed, flow_for, running_node_red
from tests.support.broker import Mosquitto, Subscriber, free_port, running_mosquitto, wait_until

EARLIER, SESSION, LATER = "01M71KPPFC0N5QFR", "01M81KPPFC0N5QFR", "01M91KPPFC0N5QFR"


_sites = itertools.count(1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture(scope="module")
def node_red(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeRed]:
    with running_node_red(tmp_path_factory.mktemp("node-red")) as running:
        running.load(flow_for(broker.port))
        yield running


@dataclass(frozen=True)
class Scene:
    """A device of a site of its own that says what the test wants."""

    broker: Mosquitto
    node_red: NodeRed
    client: Subscriber
    site: str

    @property
    def device(self) -> str:
        return f"{self.site}/pi-3a"

    def says(self, name: str, *, retain: bool | None = None, **fields: Any) -> None:
        retain = name in ("status", "health") if retain is None else retain
        self.sends(name, json.dumps({"v": 1, "session": SESSION, **fields}).encode(), retain=retain)

    def sends(self, name: str, payload: bytes, *, retain: bool = False) -> None:
        self.client.publish(f"classroom/v1/{self.device}/{name}", payload, retain=retain)

    def shown(self) -> dict[str, Any]:
        return self.node_red.device(self.device)

    def born(self, **more: Any) -> None:
        self.says("status", state="online", room="2b", **more)
        self.says("health", problems=[], muted=False)
        self.shows(state="online", health={"v": 1, "session": SESSION, "problems": [], "muted": False})

    def shows(self, **wanted: Any) -> None:
        def is_shown() -> bool:
            shown = self.shown()
            return all(shown.get(name) == value for name, value in wanted.items())

        wait_until(is_shown, what=f"{wanted} in what is shown")

    def is_heard(self) -> None:
        """Wait until the flow has read all that was said."""
        self.client.publish(f"classroom/v1/{self.site}/last/status", json.dumps({"v": 1, "session": SESSION}).encode())
        wait_until(lambda: self.node_red.device(f"{self.site}/last"), what="the last message")

    def mute(self, *, muted: bool = True) -> tuple[int, dict[str, Any]]:
        return self.node_red.mute({"site": self.site, "device": "pi-3a", "muted": muted})

    def alarms(self) -> list[tuple[str, bool]]:
        """Those about this device, the newest first."""
        found = [(text, over) for text, over in self.node_red.alarms() if text.startswith(self.device)]
        return [(text.removeprefix(self.device), over) for text, over in found]

    def raises(self, *alarms: tuple[str, bool]) -> None:
        wait_until(lambda: self.alarms() == list(alarms), what=f"{alarms}")


@pytest.fixture
def scene(node_red: NodeRed, broker: Mosquitto) -> Iterator[Scene]:
    site = f"site-{next(_sites)}"
    with Subscriber(broker.port, (f"classroom/v1/{site}/#",)) as client:
        yield Scene(broker, node_red, client, site)


def test_a_live_class_is_shown_as_a_subscriber_sees_it_and_muted_through_the_flow(
    node_red: NodeRed, broker: Mosquitto, tmp_path: Path
) -> None:
    with running_classroom(broker, tmp_path) as classroom:
        seen: list[dict[str, Any]] = []
        wait_until(lambda: (classroom.said("summary") or [{}])[-1].get("faces"), 90, "figures")

        def shown() -> bool:
            it = node_red.device(DEVICE)
            if it.get("summary") and it["summary"] not in seen:
                seen.append(it["summary"])
            return len(seen) >= 3 and it["health"] is not None

        wait_until(shown, 60, "three windows in the flow")
        assert [summary for summary in classroom.said("summary") if summary in seen] == seen
        wait_until(lambda: node_red.device(DEVICE)["health"] == classroom.said("health")[-1], what="the last report")
        assert "north/pi-3a<td>" in node_red.page()

        status, answer = node_red.mute({"site": "north", "device": "pi-3a", "muted": True})
        assert (status, answer["asked"]) == (200, 1)
        wait_until(lambda: classroom.said("health")[-1]["muted"], what="the closed camera")
        assert classroom.said("desired") == [{"v": 1, "muted": True, "issued_at": answer["issued_at"]}]
        wait_until(lambda: node_red.device(DEVICE)["muted"], what="the mute state")
        assert (node_red.device(DEVICE)["summary"], node_red.device(DEVICE)["wanted"]) == (None, True)
        assert "<td>closed<td>" in node_red.page()

        assert node_red.mute({"all": True, "muted": False})[0] == 200
        wait_until(lambda: not classroom.said("health")[-1]["muted"], what="the open camera")
        wait_until(lambda: node_red.device(DEVICE)["summary"], what="figures after it was opened")
    wait_until(lambda: ("north/pi-3a has left: stopped", False) in node_red.alarms(), what="the alarm")
    gone = node_red.device(DEVICE)
    assert (gone["state"], gone["reason"], gone["summary"], gone["health"]) == ("offline", "stopped", None, None)


def test_the_demo_is_shown_as_a_subscriber_sees_it(node_red: NodeRed, broker: Mosquitto) -> None:
    port = free_port()
    flow = flow_for(port)
    (connection,) = (node for node in flow if node["type"] == "mqtt-broker")
    connection["protocolVersion"] = "4"  # the embedded broker of the demo knows no MQTT 5
    command = [sys.executable, "-m", "edge_agent.cli", "demo", "--port", str(port), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        node_red.load(flow)
        with Subscriber(port, ("classroom/#",), protocol="3.1.1") as subscriber:
            wait_until(lambda: node_red.device("demo/simulated-1").get("summary"), 90, "figures of the demo")
            shown = node_red.device("demo/simulated-1")["summary"]
            wait_until(
                lambda: shown in [json.loads(message.payload) for message in subscriber.on("summary")],
                what="the same figures at the subscriber",
            )
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
    node_red.load(flow_for(broker.port))


def test_a_request_keeps_the_model_that_was_asked_for(scene: Scene) -> None:
    scene.born()
    scene.says("desired", retain=True, muted=False, model="9f86d081884c")
    scene.shows(wanted=False)
    _, answer = scene.mute()
    wait_until(lambda: len(scene.client.on("desired")) == 2)
    request = {"v": 1, "muted": True, "issued_at": answer["issued_at"], "model": "9f86d081884c"}
    assert json.loads(scene.client.on("desired")[-1].payload) == request


@pytest.mark.parametrize("asked", [{}, [], {"muted": "true"}, {"muted": 1, "all": True}])
def test_what_is_no_request_is_refused(scene: Scene, asked: object) -> None:
    scene.born()
    assert scene.node_red.mute(asked)[0] == 400


def test_only_a_device_that_was_heard_of_can_be_muted(scene: Scene) -> None:
    scene.born()
    assert scene.node_red.mute({"site": scene.site, "device": "pi-3b", "muted": True})[0] == 404
    assert scene.node_red.mute({"site": scene.device, "device": "", "muted": True})[0] == 404


def test_what_is_older_changes_nothing(scene: Scene) -> None:
    scene.born()
    newest = {"v": 1, "session": SESSION, "seq": 9, "faces": 6}
    scene.says("summary", seq=9, faces=6)
    scene.says("summary", seq=8, faces=4)
    scene.says("summary", seq=9, faces=3)
    scene.says("status", session=EARLIER, state="offline", reason="connection_lost")
    scene.says("health", session=EARLIER, problems=["camera_dark"], muted=True)
    scene.is_heard()
    scene.shows(state="online", muted=False, summary=newest)
    assert scene.alarms() == []


def test_what_is_malformed_or_of_another_version_changes_nothing(scene: Scene) -> None:
    scene.born()
    before = scene.shown()
    for name in ("status", "health", "summary"):
        for payload in (b"{", b"[]", b"null", b"\xff\xfe", b'{"v":2,"session":"02","state":"offline","seq":99}', b"{}"):
            scene.sends(name, payload)
    scene.says("command", command="resend", id="a", session=LATER)
    scene.is_heard()
    assert scene.shown() == before


def test_figures_end_with_the_window_that_says_muted(scene: Scene) -> None:
    scene.born()
    scene.says("summary", seq=1, faces=6)
    scene.shows(summary={"v": 1, "session": SESSION, "seq": 1, "faces": 6})
    scene.says("summary", seq=2, muted=True)
    scene.shows(summary=None)


def test_a_device_that_falls_silent_is_stale_and_comes_back(scene: Scene) -> None:
    scene.born(health_every_s=0.5)
    scene.shows(state="stale", health=None)
    scene.raises((" is silent", False))
    scene.says("status", state="online", health_every_s=60)
    scene.shows(state="online")
    scene.raises((" is silent", True), (" is silent", False))


def test_a_retained_report_is_no_sign_of_life(scene: Scene) -> None:
    scene.says("status", state="online", health_every_s=1)
    scene.says("health", problems=[])
    scene.node_red.load(flow_for(scene.broker.port))
    scene.shows(state="online", health={"v": 1, "session": SESSION, "problems": []})
    scene.shows(state="stale")
    scene.says("health", problems=[])
    scene.shows(state="online")


def test_a_death_and_a_problem_raise_an_alarm_each_and_say_when_they_are_over(scene: Scene) -> None:
    scene.born()
    scene.says("health", problems=["camera_dark"])
    problem, death = ": camera_dark", " has left: connection_lost"
    scene.raises((problem, False))
    scene.says("status", state="offline", reason="connection_lost")
    scene.raises((death, False), (problem, False))
    scene.says("status", session=LATER, state="online")
    scene.raises((death, True), (death, False), (problem, False))
    scene.says("health", session=LATER, problems=[])
    scene.raises((problem, True), (death, True), (death, False), (problem, False))
    assert "camera_dark (over)" in scene.node_red.page()


def test_a_live_message_of_a_later_run_brings_a_device_back_and_one_of_the_same_run_does_not(scene: Scene) -> None:
    scene.born()
    scene.says("status", state="offline", reason="stopped")
    scene.shows(state="offline")
    scene.says("summary", seq=1, faces=6)
    scene.is_heard()
    scene.shows(state="offline", summary=None)
    scene.says("health", session=LATER, problems=[])
    scene.shows(state="online", session=LATER)


def test_without_a_broker_nothing_is_known_and_no_request_is_taken(scene: Scene) -> None:
    scene.born()
    scene.says("health", problems=["camera_dark"])
    scene.raises((": camera_dark", False))
    scene.broker.kill()
    scene.shows(state="unknown", health=None)
    assert scene.node_red.mute({"all": True, "muted": True})[0] == 503
    assert "no connection to the broker" in scene.node_red.page()
    lost = "Node-RED has no connection to the broker"
    wait_until(lambda: scene.node_red.alarms()[0] == (lost, False), what="the alarm")
    scene.broker.start()
    wait_until(lambda: scene.node_red.alarms()[0] == (lost, True), 60, "the end of the alarm")
    assert scene.alarms() == [(": camera_dark", False)]


def test_a_device_removed_at_the_broker_is_forgotten(scene: Scene) -> None:
    scene.born()
    scene.sends("status", b"", retain=True)
    wait_until(lambda: not scene.shown())
    assert scene.alarms() == []


@pytest.mark.parametrize(
    ("figures", "cell"),
    [
        ({"faces": 6, "shares": {"sad": 0.25, "happy": 0.75}}, "<td>6<td>happy 75 %, sad 25 %<td>"),
        (
            {"faces": 12, "shares": {"happy": 0.7, "other": 0.3}, "approximate": True},
            "<td>about 12<td>happy 70 %, other",
        ),
        ({"faces": None, "shares": None, "suppressed": True}, "<td>too few<td><td>"),
        ({"faces": 0, "shares": {}}, "<td>0<td><td>"),
    ],
)
def test_the_page_says_how_exact_figures_are(scene: Scene, figures: dict[str, Any], cell: str) -> None:
    scene.born()
    scene.says("summary", seq=1, **figures)
    wait_until(lambda: scene.shown()["summary"], what="figures")
    (row,) = (line for line in scene.node_red.page().splitlines() if f"<td>{scene.device}<td>" in line)
    assert cell in row


def test_what_a_device_says_is_shown_as_text(scene: Scene) -> None:
    scene.born()
    scene.says("status", state="online", room="<script>alert(1)</script>")
    scene.shows(room="<script>alert(1)</script>")
    assert "<script>alert(1)" not in scene.node_red.page()


def test_an_alarm_waits_until_it_has_lasted(node_red: NodeRed, scene: Scene) -> None:
    node_red.load(flow_for(scene.broker.port, alarm_after_s=600))
    scene.born(health_every_s=0.5)
    scene.says("health", problems=["camera_dark"])
    scene.shows(state="stale")
    assert scene.alarms() == []
    node_red.load(flow_for(scene.broker.port))
