"""The message that makes the device and its entities known to Home Assistant.

Keys and their meaning: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload. The entities read the
device's own ``summary`` and ``health`` topics, so they can show nothing that those withhold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from edge_agent import __version__
from edge_agent.model_format.labels import OTHER, UNCERTAIN
from edge_agent.protocol import ha_templates as templates
from edge_agent.protocol.ha_templates import OFF, ON, WITHHELD, SummaryTemplates
from edge_agent.protocol.messages import Desired, encode
from edge_agent.protocol.topics import DESIRED, HEALTH, STATUS, SUMMARY, Topics

if TYPE_CHECKING:
    from edge_agent.config import Name, Settings

ORIGIN: Final = "classroom-edge-agent"
_SILENT_WINDOWS = 3
_SHORTEST_EXPIRY_S = 60
_SILENT_REPORTS = 3
_PRESENT_S = 5.0
"""How old a summary may be, at least, to be of the present: the way of a message, and clocks that differ a little."""

_PRESENT = "None if m.get('muted') is true else ('ON' if m.get('faces') is number and m.faces > 0 else 'OFF')"
_FACES = "m.faces if m.get('faces') is number else None"
_DOMINANT = (
    f"(None if m.get('muted') is true else '{templates.WITHHELD}' if m.get('suppressed') is true"
    f" else (((m.shares | dictsort(false, 'value') | rejectattr(0, 'eq', '{OTHER}') | list)"
    f" or [['{OTHER}']]) | last)[0] if m.get('shares') is mapping and m.shares else None)"
)


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
        serial_number: Site and id: what the device is called everywhere else.
        suggested_area: The room, as configured.
        configuration_url: The dashboard's address, as configured.
    """

    identifiers: tuple[str, ...]
    name: str
    manufacturer: str
    model: str
    sw_version: str
    serial_number: str
    suggested_area: str | UnsetType = UNSET
    configuration_url: str | UnsetType = UNSET


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

    Where nothing but the platform stands, the device has no such entity, or no longer. Home Assistant then removes it.
    It would keep one that is only left out.

    Attributes:
        platform: Which kind of entity.
        unique_id: What it is known by in Home Assistant.
        default_entity_id: Its id there until somebody gives it another one.
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
        command_template: How ``payload_on`` or ``payload_off`` becomes the command; older versions send them as they
            are.
        enabled_by_default: ``False`` for what only some want to see.
        availability: What has to be there for this entity; the message's own one where it is absent.
        availability_mode: ``all``: each of them.
    """

    platform: Literal["sensor", "binary_sensor", "switch"]
    unique_id: str | UnsetType = UNSET
    default_entity_id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    state_topic: str | UnsetType = UNSET
    value_template: str | UnsetType = UNSET
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
    command_template: str | UnsetType = UNSET
    enabled_by_default: bool | UnsetType = UNSET
    availability: tuple[Availability, ...] | UnsetType = UNSET
    availability_mode: str | UnsetType = UNSET


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
            name=f"{device.site} {device.id}",
            manufacturer=ORIGIN,
            model="Edge agent",
            sw_version=__version__,
            serial_number=f"{device.site}/{device.id}",
            suggested_area=device.room or UNSET,
            configuration_url=settings.home_assistant.dashboard_url or UNSET,
        ),
        origin=Origin(name=ORIGIN, sw_version=__version__),
        availability=(_online(topics),),
        qos=1,
        components=_Components(settings, topics).all(labels),
    )


def _online(topics: Topics) -> Availability:
    return Availability(topic=topics.of(STATUS), value_template=templates.online())


class _Components:
    """The entities of a device.

    Args:
        settings: The agent's settings.
        topics: The device's topics.
    """

    def __init__(self, settings: Settings, topics: Topics) -> None:
        self._settings, self._topics = settings, topics
        self._silent_s = round(_SILENT_REPORTS * settings.mqtt.health_every_s)

    def all(self, labels: Sequence[str]) -> dict[str, Entity]:
        """Every entity by its name in the message. One that a device may lack stands there as removed."""
        return {**self._people(labels), **self._device()}

    def _entity(
        self, platform: Literal["sensor", "binary_sensor", "switch"], key: str, name: str, **more: Any
    ) -> tuple[str, Entity]:
        """One entity and its name in the message."""
        device = self._settings.device
        slug = re.sub("[^a-z0-9]+", "_", f"{device.site} {device.id} {key}".lower())
        return key, Entity(
            platform=platform,
            unique_id=f"{self._topics.client_id}:{key}",
            default_entity_id=f"{platform}.{slug}",
            name=name,
            **more,
        )

    def _people(self, labels: Sequence[str]) -> dict[str, Entity]:
        """The entities about the people in the room, all from ``summary``."""
        group, window_s = self._settings.privacy.min_group, self._settings.summary.window_s
        source = self._topics.of(SUMMARY)
        read = SummaryTemplates(max(_PRESENT_S, window_s / 2))
        others = (OTHER,) if self._settings.privacy.protects_members else ()
        options = tuple(dict.fromkeys((*labels, UNCERTAIN, *others, WITHHELD)))  # a model may have a label "other"
        shared: dict[str, Any] = {
            "state_topic": source,
            "json_attributes_topic": source,
            "expire_after": max(_SHORTEST_EXPIRY_S, round(_SILENT_WINDOWS * window_s)),
            "availability": (
                _online(self._topics),
                Availability(topic=self._topics.of(HEALTH), value_template=templates.camera_open()),
                Availability(topic=source, value_template=read.availability()),
            ),
            "availability_mode": "all",
        }
        return dict(
            [
                self._entity(
                    "binary_sensor",
                    "presence",
                    "Presence" if group == 1 else f"Presence of {group} or more",
                    device_class="occupancy",
                    value_template=read.number(_PRESENT),
                    json_attributes_template=read.attributes(_PRESENT),
                    payload_on=ON,
                    payload_off=OFF,
                    **shared,
                ),
                self._entity(
                    "sensor",
                    "expression",
                    "Dominant expression",
                    device_class="enum",
                    options=options,
                    icon="mdi:emoticon-outline",
                    value_template=read.text(_DOMINANT, options),
                    json_attributes_template=read.attributes(_DOMINANT),
                    **shared,
                ),
                self._entity(
                    "sensor",
                    "faces",
                    "Faces",
                    icon="mdi:account-group",
                    value_template=read.number(_FACES),
                    json_attributes_template=read.attributes(_FACES),
                    **_measured_in("faces"),
                    **shared,
                ),
            ]
        )

    def _device(self) -> dict[str, Entity]:
        """The entities about the device itself, and its switch."""
        health, status = self._topics.of(HEALTH), self._topics.of(STATUS)
        shown: dict[str, Any] = {"entity_category": "diagnostic", "state_topic": health, "expire_after": self._silent_s}
        hidden = shown | {"enabled_by_default": False}
        once: dict[str, Any] = {"entity_category": "diagnostic", "state_topic": status, "enabled_by_default": False}
        certificate = "certificate_expiry", Entity(platform="sensor")
        if self._settings.mqtt.tls.enabled and self._settings.mqtt.tls.cert:
            certificate = self._entity(
                "sensor",
                "certificate_expiry",
                "Certificate expiry",
                device_class="timestamp",
                value_template=templates.text("m.get('certificate_until')"),
                **once,
            )
        return dict(
            [
                self._entity(
                    "binary_sensor",
                    "problem",
                    "Problem",
                    device_class="problem",
                    value_template=templates.flag("m.problems", "m.get('problems') is sequence"),
                    payload_on=ON,
                    payload_off=OFF,
                    json_attributes_topic=health,
                    json_attributes_template=templates.problems(),
                    **shown,
                ),
                self._entity(
                    "sensor",
                    "temperature",
                    "Temperature",
                    device_class="temperature",
                    value_template=templates.number("temperature_c"),
                    **_measured_in("°C"),
                    **shown,
                ),
                self._entity(
                    "sensor",
                    "frame_rate",
                    "Frame rate",
                    icon="mdi:speedometer",
                    value_template=templates.number("fps"),
                    **_measured_in("frames/s"),
                    **hidden,
                ),
                self._entity(
                    "sensor",
                    "outbox",
                    "Events waiting",
                    icon="mdi:tray-full",
                    value_template=templates.number("pending", within="m.get('outbox')"),
                    **_measured_in("events"),
                    **hidden,
                ),
                self._entity(
                    "sensor",
                    "camera",
                    "Camera state",
                    icon="mdi:camera",
                    value_template=templates.text("m.camera.get('state') if m.get('camera') is mapping else None"),
                    **hidden,
                ),
                self._entity(
                    "sensor",
                    "model",
                    "Model",
                    icon="mdi:brain",
                    value_template=templates.text("m.get('model')"),
                    **once,
                ),
                certificate,
                self._entity(
                    "switch",
                    "mute",
                    "Mute camera",
                    icon="mdi:camera-off",
                    state_topic=health,
                    value_template=templates.flag("m.muted", "m.get('muted') is boolean"),
                    state_on=ON,
                    state_off=OFF,
                    command_topic=self._topics.of(DESIRED),
                    command_template=templates.ISSUED_AT,
                    payload_on=encode(Desired(muted=True)).decode(),
                    payload_off=encode(Desired(muted=False)).decode(),
                    retain=True,
                ),
            ]
        )


def _measured_in(unit: str) -> dict[str, Any]:
    """A number that Home Assistant keeps statistics of."""
    return {"state_class": "measurement", "unit_of_measurement": unit}
