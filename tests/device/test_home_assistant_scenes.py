"""What Home Assistant shows, scene by scene, with every change of state counted."""

from __future__ import annotations

import itertools
import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from edge_agent.clock import utc_text
from edge_agent.config import (
    DeviceSettings,
    HomeAssistantSettings,
    MqttSettings,
    PrivacySettings,
    Settings,
    SummarySettings,
    TlsSettings,
)
from edge_agent.protocol.ha_discovery import discovery
from edge_agent.protocol.messages import CameraHealth, Desired, Health, OutboxHealth, Status, Summary, decode, encode
from edge_agent.protocol.topics import Topics
from tests.support.home import Home

NOW = 1_795_000_000.0
SESSION, EARLIER, LATER = "01M81KPPFC0N5QFR", "01M71KPPFC0N5QFR", "01M91KPPFC0N5QFR"
SETTINGS = Settings(device=DeviceSettings(site="north", id="pi-3a", room="2b"))
TOPICS = Topics("classroom", "north", "pi-3a")
PEOPLE = ("presence", "expression", "faces")
LABELS = ("happy", "neutral", "sad")


class Scene:
    """A device and Home Assistant, and a clock for both."""

    def __init__(self, settings: Settings = SETTINGS, *, synced: bool = True, session: str = SESSION) -> None:
        published: dict[str, Any] = json.loads(msgspec.json.encode(discovery(settings, LABELS)))
        self.home = Home(published, NOW)
        self.synced, self.session = synced, session
        self._seq = itertools.count(1)
        self.sent: list[Summary] = []

    def window(self, faces: int | None = 6, expression: str = "happy", **more: Any) -> Summary:
        """The device sums a window up, which ends now."""
        seq = next(self._seq)
        at = utc_text(self.home.now if self.synced else 100.0 + seq)
        summary = Summary(
            event_id=f"pi-3a/{self.session}/summary/{seq}",
            window_s=5.0,
            faces=faces,
            shares=None if faces is None else {expression: 1.0} if faces else {},
            suppressed=faces is None,
            observed_at=at,
            mono_ms=5000 * seq,
            session=self.session,
            seq=seq,
            clock_synced=self.synced,
            model="9f86d081884c",
            **more,
        )
        self.sent.append(summary)
        return summary

    def says(self, *summaries: Summary) -> None:
        for summary in summaries:
            self.home.message(TOPICS.of("summary"), encode(summary))

    def born(self, *, muted: bool = False) -> None:
        self.home.message(TOPICS.of("status"), encode(Status(state="online", session=self.session, model="9f86")))
        self.reports(muted=muted)

    def dies(self) -> None:
        self.home.message(TOPICS.of("status"), encode(Status(state="offline", session=self.session)))

    def reports(self, *, muted: bool = False, **more: Any) -> None:
        self.home.message(TOPICS.of("health"), encode(replace(health(self.session), muted=muted, **more)))

    def lesson(self, windows: int = 20) -> None:
        """A class at work: faces and expressions change all the time."""
        for number in range(windows):
            self.home.wait(5.0)
            self.says(self.window(6 - number % 3, LABELS[number % 3]))
            self.reports()

    def forget_changes(self) -> None:
        for entity in self.home.entities.values():
            entity.changes.clear()

    def changes(self, *names: str) -> dict[str, list[str]]:
        return {name: self.home[name].changes for name in names or PEOPLE if self.home[name].changes}

    def states(self) -> tuple[str, ...]:
        return tuple(self.home[name].state for name in PEOPLE)


def health(session: str = SESSION) -> Health:
    return Health(
        fps=9.9,
        latency_ms={},
        camera=CameraHealth(state="ok"),
        frames_read=1,
        frames_dropped=0,
        temperature_c=51.5,
        outbox=OutboxHealth(storage="disk", pending=3, kept_bytes=1, lost=0),
        last_seq={},
        observed_at=utc_text(NOW),
        mono_ms=1,
        session=session,
        clock_synced=True,
    )


@pytest.fixture(params=[True, False], ids=["clock set", "clock not set"])
def at_work(request: pytest.FixtureRequest) -> Scene:
    scene = Scene(synced=request.param)
    scene.born()
    scene.lesson()
    return scene


def test_a_lesson_is_shown_as_it_goes(at_work: Scene) -> None:
    assert at_work.states() == ("on", "neutral", "5")
    assert len(at_work.home["faces"].changes) == 20


def test_what_is_asked_for_again_changes_nothing(at_work: Scene) -> None:
    at_work.forget_changes()
    at_work.says(*at_work.sent, *reversed(at_work.sent))
    at_work.home.wait(2.0)
    at_work.says(*at_work.sent)
    assert at_work.changes() == {}


def test_a_window_that_comes_twice_changes_nothing(at_work: Scene) -> None:
    at_work.forget_changes()
    at_work.says(at_work.sent[-1], at_work.sent[-1])
    assert at_work.changes() == {}


def test_windows_out_of_order_leave_the_newest(at_work: Scene) -> None:
    at_work.home.wait(5.0)
    first = at_work.window(9, "sad")
    at_work.home.wait(1.0)
    second = at_work.window(4, "happy")
    at_work.says(second)
    at_work.forget_changes()
    at_work.says(first)
    assert (at_work.changes(), at_work.states()) == ({}, ("on", "happy", "4"))


def test_the_backlog_of_an_outage_is_not_shown_as_the_present() -> None:
    scene = Scene()
    scene.born()
    scene.lesson()
    scene.dies()
    scene.forget_changes()
    backlog = []
    for number in range(16):
        scene.home.wait(5.0)
        backlog.append(scene.window(6 - number % 3, LABELS[number % 3]))
    scene.home.wait(1.0)
    scene.born()
    scene.says(*backlog)
    scene.home.wait(4.0)
    scene.says(scene.window(9, "sad"))
    assert all(len(changed) <= 2 for changed in scene.changes().values()), scene.changes()
    assert scene.states() == ("on", "sad", "9")


def test_a_short_outage_brings_one_change_and_no_film() -> None:
    scene = Scene()
    scene.born()
    scene.lesson()
    scene.dies()
    backlog = []
    for number in range(6):
        scene.home.wait(5.0)
        backlog.append(scene.window(6 - number % 3, LABELS[number % 3]))
    scene.forget_changes()
    scene.home.wait(1.0)
    scene.born()
    scene.says(*backlog)
    assert all(len(changed) <= 2 for changed in scene.changes().values()), scene.changes()


def test_muting_makes_people_unavailable_at_once_and_nothing_old_comes_back(at_work: Scene) -> None:
    at_work.forget_changes()
    at_work.reports(muted=True)
    assert at_work.states() == ("unavailable",) * 3
    at_work.says(at_work.window(None, muted=True))
    at_work.says(*at_work.sent)  # somebody asks for everything again
    assert at_work.changes() == {name: ["unavailable"] for name in PEOPLE}
    at_work.reports(muted=False)
    assert at_work.states() == ("unavailable",) * 3
    at_work.home.wait(5.0)
    at_work.says(at_work.window(8, "sad"))
    assert at_work.states() == ("on", "sad", "8")
    assert at_work.changes()["faces"] == ["unavailable", "8"]


def test_a_short_mute_does_not_show_the_figures_of_before(at_work: Scene) -> None:
    at_work.reports(muted=True)
    at_work.says(at_work.window(None, muted=True))
    at_work.forget_changes()
    at_work.reports(muted=False)
    assert at_work.changes() == {}


@pytest.mark.parametrize("muted", [True, False])
def test_a_restart_of_home_assistant_brings_no_figures_back_before_a_new_window(muted: bool) -> None:
    scene = Scene()
    scene.home["faces"].restore("6")
    scene.home["presence"].restore(True)
    scene.born(muted=muted)
    assert scene.states() == ("unavailable",) * 3
    scene.says(scene.window(5))
    assert scene.states() == (("unavailable",) * 3 if muted else ("on", "happy", "5"))


def test_a_value_that_has_expired_is_not_revived_by_an_old_message() -> None:
    scene = Scene()
    scene.born()
    scene.lesson()
    for _ in range(3):
        scene.home.wait(30.0)
        scene.reports()
    assert scene.states() == ("unavailable",) * 3
    scene.forget_changes()
    scene.says(*scene.sent)
    assert (scene.changes(), scene.states()) == ({}, ("unavailable",) * 3)


def test_a_twin_of_an_earlier_session_changes_nothing(at_work: Scene) -> None:
    twin = Scene(synced=at_work.synced, session=EARLIER)
    at_work.forget_changes()
    for _ in range(10):
        twin.home.now = at_work.home.now
        at_work.says(twin.window(1, "sad"))
        at_work.home.wait(2.0)
    assert at_work.changes() == {}


def test_a_restart_of_the_agent_is_followed(at_work: Scene) -> None:
    at_work.dies()
    after = Scene(synced=at_work.synced, session=LATER)
    after.home = at_work.home
    after.born()
    at_work.home.wait(5.0)
    at_work.says(after.window(7, "sad"))
    assert at_work.states() == ("on", "sad", "7")


def test_the_same_figures_again_write_nothing_to_the_database_of_home_assistant() -> None:
    scene = Scene()
    scene.born()
    scene.says(scene.window())
    attributes = dict(scene.home["faces"].this.attributes)
    for _ in range(20):
        scene.home.wait(5.0)
        scene.says(scene.window())
    assert scene.home["faces"].this.attributes == attributes


def test_an_empty_classroom_and_a_withheld_one() -> None:
    scene = Scene()
    scene.born()
    scene.says(scene.window(0))
    assert scene.states() == ("off", "unknown", "0")
    scene.home.wait(5.0)
    scene.says(scene.window(None))
    assert scene.states() == ("off", "withheld", "unknown")


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"7", b'"online"', b"{}", b"not json", b'{"v":1}', b'{"v":"1"}']
)
def test_a_message_that_is_missing_or_none_of_ours_changes_nothing_and_logs_nothing(
    at_work: Scene, payload: bytes
) -> None:
    at_work.forget_changes()
    for name in ("status", "health", "summary"):
        at_work.home.message(TOPICS.of(name), payload)
    assert at_work.changes(*at_work.home.entities) == {}


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{}", b'{"v":2}'])
def test_nothing_is_logged_before_anything_is_known(payload: bytes) -> None:
    scene = Scene()
    for name in ("status", "health", "summary"):
        scene.home.message(TOPICS.of(name), payload)
    assert scene.changes(*scene.home.entities) == {}


def test_another_version_of_the_contract_changes_nothing(at_work: Scene) -> None:
    at_work.home.wait(5.0)
    messages = {
        "summary": json.loads(encode(at_work.window(99, "sad"))),
        "health": json.loads(encode(replace(health(), muted=True, temperature_c=99.0, problems=("x",)))),
        "status": {"state": "offline", "session": LATER},
    }
    at_work.forget_changes()
    for name, message in messages.items():
        at_work.home.message(TOPICS.of(name), json.dumps({**message, "v": 2}).encode())
    assert at_work.changes(*at_work.home.entities) == {}


def test_fields_and_labels_that_are_not_known_do_no_harm(at_work: Scene) -> None:
    at_work.home.wait(5.0)
    message = json.loads(encode(at_work.window(3))) | {"colour": {"a": [1]}, "shares": {"bored": 0.9, "sad": 0.1}}
    at_work.home.message(TOPICS.of("summary"), json.dumps(message).encode())
    assert at_work.states() == ("on", "unknown", "3")
    at_work.reports(camera=CameraHealth(state="daydreaming"))
    assert at_work.home["camera"].state == "daydreaming"


def test_the_switch_dates_what_it_asks_for() -> None:
    scene = Scene()
    for on in (True, False):
        asked = decode(scene.home["mute"].command(on).encode(), Desired)
        assert asked == Desired(muted=on, issued_at=utc_text(NOW))


def test_the_diagnostic_entities_show_the_device_and_are_there_for_who_wants_them() -> None:
    settings = replace(SETTINGS, mqtt=MqttSettings(tls=TlsSettings(enabled=True, cert="c", key="k")))
    scene = Scene(settings)
    scene.born()
    until = "2027-11-22T09:00:00.000Z"
    birth = Status(state="online", session=SESSION, model="9f86", certificate_until=until)
    scene.home.message(TOPICS.of("status"), encode(birth))
    shown = {name: scene.home[name].state for name in ("frame_rate", "outbox", "camera", "model", "certificate_expiry")}
    assert shown == {
        "frame_rate": "9.9",
        "outbox": "3",
        "camera": "ok",
        "model": "9f86",
        "certificate_expiry": "2027-11-22T09:00:00+00:00",
    }
    published = json.loads(msgspec.json.encode(discovery(settings, LABELS)))["components"]
    assert all(published[name]["enabled_by_default"] is False for name in shown)


def test_what_a_device_does_not_have_is_removed_and_not_left_out() -> None:
    published = json.loads(msgspec.json.encode(discovery(SETTINGS, LABELS)))["components"]
    assert published["certificate_expiry"] == {"platform": "sensor"}


def test_ids_stay_whatever_room_and_group_are() -> None:
    def ids(settings: Settings) -> dict[str, str]:
        published = json.loads(msgspec.json.encode(discovery(settings, LABELS)))["components"]
        return {name: entity["default_entity_id"] for name, entity in published.items() if len(entity) > 1}

    moved = replace(
        SETTINGS,
        device=replace(SETTINGS.device, room="7c"),
        privacy=replace(SETTINGS.privacy, min_group=3),
        summary=SummarySettings(window_s=60.0),
    )
    assert ids(SETTINGS) == ids(moved)
    assert ids(SETTINGS)["presence"] == "binary_sensor.north_pi_3a_presence"
    assert all(known.split(".")[1].startswith("north_pi_3a_") for known in ids(SETTINGS).values())


def test_the_device_names_its_classroom_once_its_site_and_its_dashboard() -> None:
    dashboard = HomeAssistantSettings(dashboard_url="https://wall.school.lan:8443/north?room=2b")
    for settings, url in ((SETTINGS, None), (replace(SETTINGS, home_assistant=dashboard), dashboard.dashboard_url)):
        device = json.loads(msgspec.json.encode(discovery(settings, LABELS)))["device"]
        assert (device["name"], device["serial_number"], device["suggested_area"]) == (
            "north pi-3a",
            "north/pi-3a",
            "2b",
        )
        assert device.get("configuration_url") == url
        assert [key for key, value in device.items() if "2b" in str(value) and key != "configuration_url"] == [
            "suggested_area"
        ]


def test_of_a_protected_group_the_expression_is_the_largest_that_is_named_and_other_where_none_is() -> None:
    scene = Scene(replace(SETTINGS, privacy=PrivacySettings(level="summary")))
    scene.born()
    shown = []
    for shares in ({"happy": 0.3, "other": 0.7}, {"other": 1.0}, {"happy": 0.4, "sad": 0.6}):
        scene.home.wait(5.0)
        scene.says(replace(scene.window(23), shares=shares, approximate=True))
        shown.append(scene.home["expression"].state)
    assert shown == ["happy", "other", "sad"]
