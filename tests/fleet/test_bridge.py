"""A school's broker and a district's, bridged by the shipped configuration: two real Mosquittos."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from msgspec.structs import replace as replace_struct

from edge_agent.client import (
    Arrived,
    Classroom,
    Device,
    DeviceState,
    Health,
    Missing,
    NotForwarded,
    Notice,
    Patience,
    Summary,
)
from edge_agent.config import Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Acknowledged, Received
from edge_agent.protocol.messages import CameraHealth, HealthReport
from edge_agent.types import Box, ChangeKind, ExpressionChange, WindowSummary
from fleet.cli import apply
from tests.fleet.conftest import DEPLOY, PASSWORD, SchoolUnderTest, running_school
from tests.support.broker import mosquitto_path, mosquitto_version, wait_until
from tests.support.samples import a_change

SITE = "north-school"
LABELS = ("happy", "sad")
RULES = f"""user {SITE}
topic write classroom/v1/{SITE}/+/status
topic write classroom/v1/{SITE}/+/summary
topic write classroom/v1/{SITE}/+/health
topic readwrite classroom/bridge/{SITE}
topic write homeassistant/device/{SITE}/+/config
"""


def bridge_config(district: SchoolUnderTest) -> str:
    """The shipped configuration with the values changed that it says to change."""
    text = (DEPLOY / "mosquitto" / "bridge.conf").read_text()
    changes = {
        "broker.district.example:8884": f"localhost:{district.broker.programs}",
        "/etc/mosquitto/district/ca.crt": str(district.broker.files / "ca.crt"),
        "remote_password change-me": f"remote_password {PASSWORD}",
        "remote_clientid bridge:change-me\n": f"remote_clientid bridge:{secrets.token_hex(8)}\n",
        "local_clientid bridge:change-me-too\n": f"local_clientid bridge:{secrets.token_hex(8)}\n",
        # Five seconds at least between two attempts are right for a school and long for a test.
        "restart_timeout 5 120": "restart_timeout 1 1",
        "\n#topic device/+/+/config": "\ntopic device/+/+/config",
    }
    for shown, meant in changes.items():
        assert text.count(shown) == 1, shown
        text = text.replace(shown, meant)
    return text


@dataclass
class Bridged:
    """Two brokers and a device at the school's."""

    district: SchoolUnderTest
    school: SchoolUnderTest

    def dashboard(self, at: SchoolUnderTest) -> Broker:
        """The dashboard account at one of them."""
        return replace(at.account(), username="dashboard")

    def device(self, name: str) -> Settings:
        """A device enrolled at the school, publishing events of faces, too."""
        files = self.school.new_device(name)
        text = files.config.read_text().replace('site = "school"', f'site = "{SITE}"').replace('"summary"', '"faces"')
        files.config.write_text(text.replace("/var/lib/edge-agent/outbox.db", str(files.keys.parent / "outbox.db")))
        return self.school.enrol_files(files).settings


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    """Both brokers at work, the district's with the school's account."""
    home = tmp_path_factory.mktemp("bridged")
    with running_school(home / "district", "District") as district:
        district.add_account(SITE)
        (district.folder / "acl.local").write_text(RULES)
        apply(folder=district.folder)
        with running_school(home / "school", "North School", bridge_config(district)) as school:
            yield Bridged(district, school)


def summary(messenger: Messenger) -> None:
    messenger.summary(WindowSummary(time.monotonic() - 5, 5.0, 12, {"happy": 1.0}, suppressed=False))


def seqs(notices: list[Notice]) -> set[int]:
    found = [notice.message for notice in notices if isinstance(notice, Arrived)]
    return {message.seq for message in found if isinstance(message, Summary)}


def kinds(notices: list[Notice]) -> set[str]:
    return {type(notice.message).__name__ for notice in notices if isinstance(notice, Arrived)}


def follow_until(classroom: Classroom, condition: Callable[[list[Notice]], bool], what: str) -> list[Notice]:
    notices: list[Notice] = []

    def met() -> bool:
        notices.extend(classroom.poll(0.2))
        return condition(notices)

    wait_until(met, 60.0, what)
    return notices


def heard_on(broker: Broker, topic: str, wanted: bytes) -> list[bytes]:
    """What comes on a topic until the wanted payload does."""
    connection = Connection(broker, "listener-of-the-test")
    connection.subscribe([topic])
    heard: list[bytes] = []

    def came() -> bool:
        heard.extend(signal.payload for signal in connection.poll(0.2) if isinstance(signal, Received))
        return wanted in heard

    try:
        wait_until(came, 60.0, f"{wanted!r} on {topic}")
    finally:
        connection.close()
    return heard


def test_the_district_sees_figures_and_state_and_no_single_face(bridged: Bridged) -> None:
    messenger = Messenger(bridged.device("a"), ModelIdentity(LABELS, "0" * 12))
    with Classroom(bridged.dashboard(bridged.district), site=SITE, device="a") as district:
        follow_until(district, bool, "the connection")
        messenger.start()
        try:
            face = ExpressionChange(
                ChangeKind.START,
                "t1",
                "happy",
                0.9,
                {"happy": 0.9, "sad": 0.1},
                None,
                0.0,
                time.monotonic(),
                Box(0, 0, 10),
            )
            messenger.expression(face)
            summary(messenger)
            messenger.health(
                HealthReport(
                    fps=10.0,
                    latency_ms={},
                    camera=CameraHealth(state="ok"),
                    frames_read=1,
                    frames_dropped=0,
                    temperature_c=None,
                    throttled=None,
                )
            )
            wait_until(
                lambda: messenger.statistics().outbox.delivered["expression"] == 1, what="the event at the school"
            )
            seen = follow_until(district, lambda n: {"Status", "Summary", "Health"} <= kinds(n), "state and figures")
            assert list(district.states().values()) == [DeviceState.ONLINE]
        finally:
            messenger.stop()
        gone = [DeviceState.OFFLINE]
        seen += follow_until(district, lambda _: list(district.states().values()) == gone, "its offline message")
    assert "Expression" not in kinds(seen)


def test_the_district_learns_that_no_single_face_is_forwarded_to_it(bridged: Bridged) -> None:
    settings = bridged.device("quiet")
    messenger = Messenger(settings, ModelIdentity(LABELS, "0" * 12))
    report = HealthReport(fps=1.0, latency_ms={}, camera=CameraHealth(state="ok"), frames_read=1, frames_dropped=0)
    quick = Patience(grace_s=0.1, retry_s=0.1)
    with Classroom(bridged.dashboard(bridged.district), site=SITE, device="quiet", patience=quick) as district:
        follow_until(district, bool, "the connection")
        messenger.start()
        seen: list[Notice] = []
        try:
            for number in range(1, 6):
                messenger.expression(a_change())
                summary(messenger)
                delivered = messenger.statistics
                wait_until(lambda: min(delivered().outbox.delivered.values()) == number, what="both at the school")  # noqa: B023
                messenger.health(report)
                seen += follow_until(
                    district,
                    lambda n: any(isinstance(x, Arrived) and isinstance(x.message, Health) for x in n),
                    "the report",
                )
            reported = [notice for notice in seen if isinstance(notice, NotForwarded)]
            assert reported == [NotForwarded(Device(SITE, "quiet"), "expression")]
            seen = []
            until = time.monotonic() + 2.0
            while time.monotonic() < until:
                seen += district.poll(0.2)
            assert [notice for notice in seen if isinstance(notice, Missing)] == []
        finally:
            messenger.stop()


def test_a_message_sent_late_is_marked_so_at_the_district(bridged: Bridged) -> None:
    settings = bridged.device("slow")
    late = replace_struct(settings, mqtt=replace_struct(settings.mqtt, late_after_s=0.001))
    messenger = Messenger(late, ModelIdentity(LABELS, "0" * 12))
    with Classroom(bridged.dashboard(bridged.district), site=SITE, device="slow") as district:
        follow_until(district, bool, "the connection")
        summary(messenger)
        messenger.start()
        try:
            seen = follow_until(district, lambda n: bool(seqs(n)), "the summary")
        finally:
            messenger.stop()
    arrived = [notice for notice in seen if isinstance(notice, Arrived) and isinstance(notice.message, Summary)]
    assert [notice.late for notice in arrived] == [True]


@pytest.mark.skipif(
    mosquitto_path() is not None and mosquitto_version() >= (2, 1),
    reason="a bridge of Mosquitto 2.1.2 drops what waits when its connection breaks (docs/deploy.md)",
)
def test_what_happens_while_the_district_is_away_comes_when_it_is_back(bridged: Bridged) -> None:
    messenger = Messenger(bridged.device("b"), ModelIdentity(LABELS, "0" * 12))
    archive = Classroom(bridged.dashboard(bridged.district), site=SITE, device="b", client_id="archive")
    messenger.start()
    try:
        summary(messenger)
        with archive as district:
            follow_until(district, lambda n: seqs(n) == {1} or "Status" in kinds(n), "the device at the district")
            bridged.district.broker.stop()
            for _ in range(20):
                summary(messenger)
            wait_until(lambda: messenger.statistics().outbox.delivered["summary"] == 21, what="all of it at the school")
            bridged.district.broker.start()
            follow_until(district, lambda n: set(range(2, 22)) <= seqs(n), "all of it at the district")
    finally:
        messenger.stop()


def test_the_district_steers_nothing_at_the_school(bridged: Bridged) -> None:
    topic = f"classroom/v1/{SITE}/a/command"
    for at, payload in ((bridged.district, b"from the district"), (bridged.school, b"from the school")):
        operator = Connection(replace(at.account(), username="operator"), "operator-of-the-test")
        operator.publish(topic, payload, retain=True)
        wait_until(lambda operator=operator: operator.poll(0.2), what="an answer")  # type: ignore[misc]
        operator.close()
    dashboard = bridged.dashboard(bridged.school)
    assert heard_on(dashboard, topic, b"from the school") == [b"from the school"]


def test_a_school_cannot_speak_for_another_one(bridged: Bridged) -> None:
    account = Connection(replace(bridged.district.account(), username=SITE), "school-of-the-test")
    asked = {account.publish(f"classroom/v1/{site}/a/summary", b"{}"): site for site in (SITE, "south-school")}
    answers: dict[str, bool] = {}

    def answered() -> bool:
        signals = [signal for signal in account.poll(0.2) if isinstance(signal, Acknowledged)]
        answers.update((asked[signal.packet_id], signal.ok) for signal in signals)
        return len(answers) == 2

    wait_until(answered, what="both answers")
    account.close()
    assert answers == {SITE: True, "south-school": False}


def test_the_district_knows_whether_the_bridge_stands(bridged: Bridged) -> None:
    topic, dashboard = f"classroom/bridge/{SITE}", replace(bridged.district.account(), username=SITE)
    heard_on(dashboard, topic, b"1")
    bridged.school.broker.kill()
    heard_on(dashboard, topic, b"0")
    bridged.school.broker.start()
    heard_on(dashboard, topic, b"1")


def test_home_assistant_at_the_district_finds_the_devices_where_the_bridge_forwards_discovery(bridged: Bridged) -> None:
    settings = bridged.device("found")
    messenger = Messenger(
        replace_struct(settings, home_assistant=replace_struct(settings.home_assistant, enabled=True)),
        ModelIdentity(LABELS, "0" * 12),
    )
    home = Connection(replace(bridged.district.account(), username="homeassistant"), "home-of-the-test")
    home.subscribe([f"homeassistant/device/{SITE}/found/config"])
    messenger.start()
    try:
        wait_until(lambda: any(isinstance(s, Received) and b"components" in s.payload for s in home.poll(0.2)))
    finally:
        messenger.stop()
        home.close()
