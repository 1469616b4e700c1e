"""The device in Home Assistant, without Home Assistant: its documented keys, its template language, a real broker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from edge_agent.config import DeviceSettings, HomeAssistantSettings, PrivacySettings, Settings
from edge_agent.device.messenger import Messenger
from edge_agent.device.session import Session
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Subscribed
from edge_agent.protocol.ha_discovery import discovery, discovery_topic
from edge_agent.protocol.messages import CameraHealth, Desired, decode, encode
from edge_agent.types import WindowSummary
from tests.protocol.test_messages import CLOCK, SESSION_ID, builder, statistics
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.home import Home, This
from tests.support.messaging import settings_for
from tests.support.samples import a_report, a_window

Start = Callable[..., Messenger]

SETTINGS = Settings(device=DeviceSettings(site="north.school", id="pi-3a", room="2b"))
DISCOVERY: dict[str, Any] = json.loads(msgspec.json.encode(discovery(SETTINGS, ("happy", "sad"))))
ENTITIES: dict[str, dict[str, Any]] = {name: one for name, one in DISCOVERY["components"].items() if len(one) > 1}
SESSION = Session(SESSION_ID, CLOCK)
CONFIG = "homeassistant/device/north/pi-3a/config"

# As documented at https://www.home-assistant.io/integrations/mqtt/, .../binary_sensor.mqtt/, .../sensor.mqtt/ and
# .../switch.mqtt/: what may stand where.
SHARED = {"availability", "availability_mode", "command_topic", "device", "encoding", "origin", "qos", "state_topic"}
OF_DEVICE = {
    "configuration_url",
    "connections",
    "hw_version",
    "identifiers",
    "manufacturer",
    "model",
    "model_id",
    "name",
    "serial_number",
    "suggested_area",
    "sw_version",
    "via_device",
}
OF_EVERY_ENTITY = {
    "platform",
    "unique_id",
    "name",
    "availability",
    "availability_mode",
    "icon",
    "device_class",
    "entity_category",
    "enabled_by_default",
    "qos",
    "json_attributes_topic",
    "json_attributes_template",
    "state_topic",
    "value_template",
    "default_entity_id",
}
OF_PLATFORM = {
    "sensor": {
        "expire_after",
        "force_update",
        "options",
        "state_class",
        "suggested_display_precision",
        "unit_of_measurement",
        "last_reset_value_template",
    },
    "binary_sensor": {"expire_after", "force_update", "off_delay", "payload_on", "payload_off"},
    "switch": {
        "command_topic",
        "command_template",
        "optimistic",
        "payload_on",
        "payload_off",
        "retain",
        "state_on",
        "state_off",
    },
}


def rendered(entity: str, message: Any, template: str = "value_template") -> str:
    """What Home Assistant reads from a message: Jinja with the decoded JSON as ``value_json``."""
    home = Home(DISCOVERY, CLOCK.wall())
    return home.render(ENTITIES[entity][template], value_json=json.loads(encode(message)), this=This())


def summary(window: WindowSummary) -> Any:
    return builder().summary(window, SESSION)


def health(**changes: Any) -> Any:
    return replace(builder().health(a_report(), SESSION, statistics(), {}), **changes)


def with_home_assistant(port: int, folder: Path, **wanted: Any) -> Settings:
    return replace(settings_for(port, folder), home_assistant=HomeAssistantSettings(**{"enabled": True, **wanted}))


def test_every_key_is_one_that_home_assistant_documents() -> None:
    assert set(DISCOVERY) - SHARED == {"components"}
    assert set(DISCOVERY["device"]) <= OF_DEVICE
    assert set(DISCOVERY["origin"]) <= {"name", "sw_version", "support_url"}
    for entity in ENTITIES.values():
        assert set(entity) <= OF_EVERY_ENTITY | OF_PLATFORM[entity["platform"]]


def test_the_promised_entities_are_there_each_with_an_id_of_its_own() -> None:
    people, steering = {"presence", "expression", "faces"}, {"problem", "temperature", "mute"}
    diagnostic = {"frame_rate", "outbox", "camera", "model"}
    assert set(ENTITIES) == people | steering | diagnostic
    assert len({entity["unique_id"] for entity in ENTITIES.values()}) == len(ENTITIES)


def test_the_topic_has_no_dots_which_home_assistant_would_not_accept() -> None:
    assert discovery_topic("homeassistant", "north.school", "pi.3") == "homeassistant/device/north_school/pi_3/config"


def test_birth_and_death_make_the_device_available_and_unavailable() -> None:
    (availability,) = DISCOVERY["availability"]
    assert availability["topic"] == "classroom/v1/north.school/pi-3a/status"
    render = Home(DISCOVERY, CLOCK.wall()).render
    births_and_deaths = [json.loads(encode(m)) for m in (builder().birth(SESSION, []), builder().death(SESSION))]
    template = availability["value_template"]
    assert [render(template, value_json=message) for message in births_and_deaths] == ["online", "offline"]


def test_a_summary_becomes_presence_faces_and_the_dominant_expression() -> None:
    published = summary(a_window())
    assert {name: rendered(name, published) for name in ("presence", "faces", "expression")} == {
        "presence": "ON",
        "faces": "6",
        "expression": "happy",
    }


def test_a_withheld_summary_gives_nothing_back() -> None:
    published = summary(a_window(suppressed=True))
    assert {name: rendered(name, published) for name in ("presence", "faces", "expression")} == {
        "presence": "OFF",
        "faces": "None",
        "expression": "withheld",
    }


def test_presence_says_how_many_make_a_group() -> None:
    alone = replace(SETTINGS, privacy=PrivacySettings(min_group=1))
    names = [discovery(settings, ()).components["presence"].name for settings in (SETTINGS, alone)]
    assert names == ["Presence of 5 or more", "Presence"]


def test_a_window_in_which_no_expression_was_read_has_no_dominant_one() -> None:
    published = summary(WindowSummary(0.0, 5.0, faces=7, shares={}, suppressed=False))
    assert rendered("expression", published) == "None"


def test_what_the_dominant_expression_may_be_is_announced() -> None:
    assert ENTITIES["expression"]["options"] == ["happy", "sad", "uncertain", "withheld"]


def test_a_label_that_is_called_other_is_announced_once() -> None:
    protected = Settings(device=SETTINGS.device, privacy=PrivacySettings(level="summary"))
    found = json.loads(msgspec.json.encode(discovery(protected, ("happy", "other"))))
    assert found["components"]["expression"]["options"] == ["happy", "other", "uncertain", "withheld"]


def test_people_are_reported_from_summaries_alone() -> None:
    people = {ENTITIES[name]["state_topic"] for name in ("presence", "expression", "faces")}
    others = {ENTITIES[name]["state_topic"] for name in ("problem", "temperature", "mute")}
    assert people == {"classroom/v1/north.school/pi-3a/summary"}
    assert others == {"classroom/v1/north.school/pi-3a/health"}


def test_problems_are_reported_with_their_names() -> None:
    well, ill = health(problems=()), health(problems=("camera_stalled", "throttled"))
    assert [rendered("problem", message) for message in (well, ill)] == ["OFF", "ON"]
    assert json.loads(rendered("problem", ill, "json_attributes_template")) == {
        "problems": ["camera_stalled", "throttled"]
    }


def test_a_platform_without_a_thermometer_has_an_unknown_temperature() -> None:
    assert [rendered("temperature", health(temperature_c=degrees)) for degrees in (51.5, None)] == ["51.5", "None"]


def test_the_switch_shows_whether_the_camera_is_closed() -> None:
    closed = health(muted=True, camera=CameraHealth(state="muted"))
    assert [rendered("mute", message) for message in (health(), closed)] == ["OFF", "ON"]


def test_the_switch_says_what_the_device_should_be() -> None:
    switch = ENTITIES["mute"]
    assert (switch["command_topic"], switch["retain"]) == ("classroom/v1/north.school/pi-3a/desired", True)
    wanted = [decode(switch[payload].encode(), Desired).muted for payload in ("payload_on", "payload_off")]
    assert wanted == [True, False]


def test_nothing_is_announced_to_home_assistant_unless_asked_for(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("homeassistant/#", "classroom/#")) as subscriber:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.summary(a_window())
        wait_until(lambda: subscriber.on("summary"))
        assert subscriber.on("config") == []


def test_one_setting_makes_the_device_known_to_whoever_comes_later(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as earlier:
        start_messenger(with_home_assistant(mosquitto.port, tmp_path))
        wait_until(lambda: earlier.on("config"))
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as later:
        wait_until(lambda: later.on("config"))
        (message,) = later.messages
    assert (message.topic, message.retained) == (CONFIG, True)
    assert json.loads(message.payload)["components"]["expression"]["options"][:2] == ["happy", "sad"]


def test_it_is_announced_again_when_home_assistant_starts(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as home:
        start_messenger(with_home_assistant(mosquitto.port, tmp_path))
        wait_until(lambda: home.on("config"))
        home.publish("homeassistant/status", b"offline")
        before = len(home.on("config"))
        home.publish("homeassistant/status", b"online")
        wait_until(lambda: len(home.on("config")) == before + 1)


def test_another_prefix_is_used(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    with Subscriber(mosquitto.port, ("#",)) as home:
        start_messenger(with_home_assistant(mosquitto.port, tmp_path, prefix="ha"))
        wait_until(lambda: home.on("config"))
        assert home.on("config")[0].topic == "ha/device/north/pi-3a/config"


def test_turning_it_off_takes_the_device_back(mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path) -> None:
    messenger = start_messenger(with_home_assistant(mosquitto.port, tmp_path))
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as home:
        wait_until(lambda: home.on("config"))
        messenger.stop()
        start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: len(home.on("config")) == 2)
        assert home.on("config")[1].payload == b""
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as later:
        later.publish("homeassistant/end", b"")
        wait_until(lambda: later.on("end"))
        assert later.on("config") == []


def test_a_discovery_message_of_somebody_elses_stays(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("#",)) as home:
        home.publish(CONFIG, b'{"name":"hand-made"}', retain=True)
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.summary(a_window())
        wait_until(lambda: home.on("summary"))
        assert [message.payload for message in home.on("config")] == [b'{"name":"hand-made"}']


def test_a_device_without_home_assistant_does_not_mind_being_denied_its_topics(
    start_messenger: Start, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("Mosquitto's dynamic security plugin is not installed, and access files do not deny subscriptions")
    may = [{"acltype": "subscribePattern", "topic": "classroom/#", "allow": True}]
    rules = tmp_path / "rules.json"
    rules.write_text(
        json.dumps(
            {
                "defaultACLAccess": {
                    "publishClientSend": True,
                    "publishClientReceive": True,
                    "subscribe": False,
                    "unsubscribe": True,
                },
                "roles": [{"rolename": "any", "acls": may}],
                "groups": [{"groupname": "all", "roles": [{"rolename": "any"}]}],
                "clients": [],
                "anonymousGroup": "all",
            }
        )
    )
    with running_mosquitto(tmp_path, f"plugin {plugin}\nplugin_opt_config_file {rules}") as mosquitto:
        messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
        messenger.summary(a_window())
        wait_until(lambda: messenger.statistics().outbox.delivered.get("summary") == 1)
        messenger.stop()
        assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
        probe = Connection(Broker("127.0.0.1", mosquitto.port), "probe")
        probe.subscribe([CONFIG])
        assert probe.poll(10.0) == [Subscribed((CONFIG,))], "the broker was to deny it"
        probe.close()


def test_a_discovery_message_of_an_older_version_is_taken_back_too(
    mosquitto: Mosquitto, start_messenger: Start, tmp_path: Path
) -> None:
    with Subscriber(mosquitto.port, ("homeassistant/#",)) as home:
        home.publish(CONFIG, b'{"device":{},"origin":{"name":"classroom-edge-agent"},"components":{}}', retain=True)
        start_messenger(settings_for(mosquitto.port, tmp_path))
        wait_until(lambda: home.on("config") and home.on("config")[-1].payload == b"")
