"""The message that makes the device and its entities known to Home Assistant.

Keys and their meaning: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload. The entities read the
device's own ``summary`` and ``health`` topics, so they can show nothing that those withhold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from edge_agent import __version__
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.protocol.messages import Desired, encode
from edge_agent.protocol.topics import DESIRED, HEALTH, STATUS, SUMMARY, Topics

if TYPE_CHECKING:
    from edge_agent.config import Name, Settings

ORIGIN: Final = "classroom-edge-agent"
WITHHELD: Final = "withheld"
"""The dominant expression where a summary is suppressed."""

_SILENT_WINDOWS = 3
_SHORTEST_EXPIRY_S = 60
_SILENT_REPORTS = 3

_ON, _OFF = "ON", "OFF"
_PRESENT = "{{ 'ON' if (value_json.faces or 0) > 0 else 'OFF' }}"
_DOMINANT = (
    "{% set shares = value_json.shares or {} %}"
    f"{{{{ '{WITHHELD}' if value_json.suppressed"
    " else (shares | dictsort(false, 'value') | last)[0] if shares else None }}"
)
_FACES = "{{ value_json.faces }}"
_PROBLEM = "{{ 'ON' if value_json.problems else 'OFF' }}"
_PROBLEMS = "{{ {'problems': value_json.problems} | tojson }}"
_TEMPERATURE = "{{ value_json.temperature_c }}"
_MUTED = "{{ 'ON' if value_json.muted else 'OFF' }}"


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """Where Home Assistant learns whether the device is there.

    Attributes:
        topic: The device's ``status``.
        value_template: What to compare with ``online`` and ``offline``.
    """

    topic: str
    value_template: str


class DeviceInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The device in Home Assistant's registry.

    Attributes:
        identifiers: What it is known by there.
        name: What it is called until somebody renames it.
        manufacturer: This project.
        model: What kind of device.
        sw_version: The agent's version.
        suggested_area: The room, as configured.
    """

    identifiers: tuple[str, ...]
    name: str
    manufacturer: str
    model: str
    sw_version: str
    suggested_area: str | UnsetType = UNSET


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who has sent the discovery message.

    Attributes:
        name: This project.
        sw_version: The agent's version.
    """

    name: str
    sw_version: str


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """One entity. Home Assistant's own documentation gives each key's meaning.

    Attributes:
        platform: Which kind of entity.
        unique_id: What it is known by in Home Assistant.
        name: What it is called there, after the device's name.
        state_topic: Topic its state is read from.
        value_template: How the state is read from a message.
        device_class: What the state is about.
        entity_category: ``diagnostic`` for what is of no interest from day to day.
        state_class: How the state is kept in statistics.
        unit_of_measurement: Unit of the state.
        options: Every state there is, of a ``device_class`` ``enum``.
        icon: Its picture.
        expire_after: Seconds of silence after which the state is no longer known.
        json_attributes_topic: Topic its attributes are read from.
        json_attributes_template: How they are read from a message.
        command_topic: Topic to switch it on.
        payload_on: Message to switch it on; with ``binary_sensor`` the state that means on.
        payload_off: Likewise off.
        state_on: State that means on.
        state_off: State that means off.
        retain: Whether commands are retained.
    """

    platform: Literal["sensor", "binary_sensor", "switch"]
    unique_id: str
    name: str
    state_topic: str
    value_template: str
    device_class: str | UnsetType = UNSET
    entity_category: str | UnsetType = UNSET
    state_class: str | UnsetType = UNSET
    unit_of_measurement: str | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType = UNSET
    icon: str | UnsetType = UNSET
    expire_after: int | UnsetType = UNSET
    json_attributes_topic: str | UnsetType = UNSET
    json_attributes_template: str | UnsetType = UNSET
    command_topic: str | UnsetType = UNSET
    payload_on: str | UnsetType = UNSET
    payload_off: str | UnsetType = UNSET
    state_on: str | UnsetType = UNSET
    state_off: str | UnsetType = UNSET
    retain: bool | UnsetType = UNSET


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the device known to Home Assistant; an empty message in its place removes it there.

    Its topic has underscores where site and device have dots.

    Attributes:
        device: The device.
        origin: Who has sent this.
        availability: Where Home Assistant learns whether the device is there, for all entities.
        qos: With which quality of service Home Assistant is to subscribe and publish.
        components: Its entities.
    """

    device: DeviceInfo
    origin: Origin
    availability: tuple[Availability, ...]
    qos: int
    components: dict[str, Entity]


def discovery_node(site: Name, device: Name) -> tuple[str, str]:
    """Node and object id of a device's discovery topic, which know no dots.

    The topic is ``{prefix}/device/{node}/{object}/config``.
    """
    return site.replace(".", "_"), device.replace(".", "_")


def discovery_topic(prefix: str, site: Name, device: Name) -> str:
    """The topic of a device's discovery message."""
    node, thing = discovery_node(site, device)
    return f"{prefix}/device/{node}/{thing}/config"


def discovery(settings: Settings, labels: Sequence[str]) -> Discovery:
    """The discovery message of a device.

    Args:
        settings: The agent's settings.
        labels: The expressions the model knows.
    """
    device = settings.device
    topics = Topics(settings.mqtt.root, device.site, device.id)
    return Discovery(
        device=DeviceInfo(
            identifiers=(topics.client_id,),
            name=f"Classroom {device.room or device.id}",
            manufacturer=ORIGIN,
            model="Edge agent",
            sw_version=__version__,
            suggested_area=device.room or UNSET,
        ),
        origin=Origin(name=ORIGIN, sw_version=__version__),
        availability=(Availability(topic=topics.of(STATUS), value_template="{{ value_json.state }}"),),
        qos=1,
        components=_group_entities(settings, topics, labels) | _device_entities(settings, topics),
    )


def _group_entities(settings: Settings, topics: Topics, labels: Sequence[str]) -> dict[str, Entity]:
    """The entities about the people in the room, all from ``summary``."""
    group = settings.privacy.min_group
    expiry_s = max(_SHORTEST_EXPIRY_S, round(_SILENT_WINDOWS * settings.summary.window_s))
    source = topics.of(SUMMARY)
    return {
        "presence": Entity(
            platform="binary_sensor",
            unique_id=f"{topics.client_id}:presence",
            name="Presence" if group == 1 else f"Presence of {group} or more",
            device_class="occupancy",
            state_topic=source,
            value_template=_PRESENT,
            payload_on=_ON,
            payload_off=_OFF,
            expire_after=expiry_s,
        ),
        "expression": Entity(
            platform="sensor",
            unique_id=f"{topics.client_id}:expression",
            name="Dominant expression",
            device_class="enum",
            options=(*labels, UNCERTAIN, WITHHELD),
            icon="mdi:emoticon-outline",
            state_topic=source,
            value_template=_DOMINANT,
            expire_after=expiry_s,
        ),
        "faces": Entity(
            platform="sensor",
            unique_id=f"{topics.client_id}:faces",
            name="Faces",
            state_class="measurement",
            unit_of_measurement="faces",
            icon="mdi:account-group",
            state_topic=source,
            value_template=_FACES,
            expire_after=expiry_s,
        ),
    }


def _device_entities(settings: Settings, topics: Topics) -> dict[str, Entity]:
    """The entities about the device itself, from ``health``, and its switch."""
    expiry_s = round(_SILENT_REPORTS * settings.mqtt.health_every_s)
    source = topics.of(HEALTH)
    return {
        "problem": Entity(
            platform="binary_sensor",
            unique_id=f"{topics.client_id}:problem",
            name="Problem",
            device_class="problem",
            entity_category="diagnostic",
            state_topic=source,
            value_template=_PROBLEM,
            payload_on=_ON,
            payload_off=_OFF,
            json_attributes_topic=source,
            json_attributes_template=_PROBLEMS,
            expire_after=expiry_s,
        ),
        "temperature": Entity(
            platform="sensor",
            unique_id=f"{topics.client_id}:temperature",
            name="Temperature",
            device_class="temperature",
            entity_category="diagnostic",
            state_class="measurement",
            unit_of_measurement="°C",
            state_topic=source,
            value_template=_TEMPERATURE,
            expire_after=expiry_s,
        ),
        "mute": Entity(
            platform="switch",
            unique_id=f"{topics.client_id}:mute",
            name="Mute camera",
            icon="mdi:camera-off",
            state_topic=source,
            value_template=_MUTED,
            state_on=_ON,
            state_off=_OFF,
            command_topic=topics.of(DESIRED),
            payload_on=encode(Desired(muted=True)).decode(),
            payload_off=encode(Desired(muted=False)).decode(),
            retain=True,
        ),
    }
