"""The device's place in Home Assistant: made, made again when Home Assistant starts, and taken back."""

from __future__ import annotations

import logging

import msgspec

from edge_agent.config import Settings
from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.device.builders import MessageBuilder
from edge_agent.device.unqueued import UnqueuedMessage, UnqueuedMessages
from edge_agent.mqtt.events import Received
from edge_agent.protocol.ha_discovery import ORIGIN, discovery, discovery_topic

log = logging.getLogger(__name__)

_STARTED = b"online"


class HomeAssistant:
    """Keeps the discovery message at the broker where the settings ask for it, and removes it where they do not.

    Args:
        settings: The agent's settings.
        builder: Knows the expressions of the model in use.
        unqueued: Where messages go that are not events.
    """

    def __init__(self, settings: Settings, builder: MessageBuilder, unqueued: UnqueuedMessages) -> None:
        self._settings, self._builder, self._unqueued = settings, builder, unqueued
        self._wanted = settings.home_assistant.enabled
        self._status_topic = settings.home_assistant.status_topic
        self._topic = discovery_topic(settings.home_assistant.prefix, settings.device.site, settings.device.id)

    def filters(self) -> list[str]:
        """What to subscribe to: Home Assistant's birth, or a discovery message of ours that is no longer wanted."""
        return [self._status_topic if self._wanted else self._topic]

    def announce(self) -> None:
        """Publish the discovery message, where the settings ask for it."""
        if self._wanted:
            message = msgspec.json.encode(discovery(self._settings, self._builder.labels))
            self._unqueued.enqueue(UnqueuedMessage(self._topic, message, retain=True))

    def received(self, message: Received) -> None:
        """Something has come in on one of the :meth:`filters`."""
        if message.topic == self._status_topic and message.payload == _STARTED:
            self.announce()
        elif message.topic == self._topic and not self._wanted and _is_ours(message.payload):
            log.info("the device is taken back from Home Assistant: home_assistant.enabled is false")
            self._unqueued.enqueue(UnqueuedMessage(self._topic, b"", retain=True))


class _Origin(msgspec.Struct, frozen=True):
    name: str


class _Announced(msgspec.Struct, frozen=True):
    """What tells whose discovery message it is, of any version."""

    origin: _Origin


def _is_ours(payload: bytes) -> bool:
    try:
        return decode_json(payload, _Announced).origin.name == ORIGIN
    except UNDECODABLE:
        return False
