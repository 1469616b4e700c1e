"""The AsyncAPI document: servers, channels and operations, seen from the agent's point of view."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from edge_agent import __version__
from edge_agent.config import MqttSettings
from edge_agent.mqtt.events import HISTORICAL
from edge_agent.protocol.asyncapi.docstrings import summary_of
from edge_agent.protocol.asyncapi.examples import EXAMPLES, Example
from edge_agent.protocol.asyncapi.schemas import Schema, camel_case, components, plain, structs_in
from edge_agent.protocol.catalogue import CHANNELS, Channel
from edge_agent.protocol.topics import COMMAND, REPLY, RESENT, STATUS, VERSION

_BINDING = {"bindingVersion": "0.2.0"}
_QOS = 1
_COMMANDS = (COMMAND, f"{RESENT}_{COMMAND}")
"""Channels whose messages are answered on ``reply``."""

_ABOUT = """\
Events of classroom edge agents: perceived facial expressions, read on the device. No message ever carries a picture.

This document describes the device's side: a device does the operations with `send` and `receive`. A dashboard does the
opposite. It subscribes to what a device sends, and publishes what a device receives.

- JSON in UTF-8, QoS 1. Receivers ignore fields they do not know: within `v1` fields are added, never renamed or given
  another meaning. So no schema here forbids additional properties, and no receiver should.
- `session` sorts by time: of two, the greater is the later. `seq` counts from 1 without gaps within a session and
  topic. The same `event_id` twice is the same event.
- A device is offline after a `status` with `"offline"` whose session is not smaller than the latest seen, and stale
  when nothing has come for three times `health_every_s`.
- Messages sent late or again carry the MQTT 5 user property `historical` with the value `true`; their bytes are the
  same.

docs/dashboards.md in the agent's repository says how to build on this."""

_PARAMETERS: dict[str, Schema] = {
    "root": {"description": "First part of the topics, `mqtt.root` in the device's settings.", "default": "classroom"},
    "site": {"description": "The school, `device.site` in the device's settings.", "examples": ["north-school"]},
    "device": {"description": "The device, `device.id` in its settings.", "examples": ["pi-3a"]},
    "account": {"description": "The account at the broker that asked; `-` for none.", "examples": ["operator"]},
    "program": {"description": "A name of the asking program's own.", "examples": ["wall-display"]},
    "discovery_prefix": {"description": "`home_assistant.prefix` in the settings.", "default": "homeassistant"},
}
_OTHER_PARAMETER = "See the description of the channel."


def asyncapi() -> dict[str, Any]:
    """The whole document, AsyncAPI 3.0.0."""
    kinds = [channel.message for channel in CHANNELS if is_json(channel)]
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:classroom-edge-agent:v{VERSION}",
        "info": {
            "title": "Classroom edge agent",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": dict(_operation(channel) for channel in CHANNELS),
        "components": {
            "messages": {channel.name: _message(channel) for channel in CHANNELS},
            "schemas": components(kinds, "#/components/schemas/{name}", conditions=False),
            "securitySchemes": {
                "certificate": {"type": "X509", "description": "Issued by the school: `edge-agent fleet`."},
                "password": {"type": "userPassword", "description": "An account at the broker."},
            },
        },
    }


def _servers() -> Schema:
    host = {"host": {"description": "The school's broker.", "default": "broker.school.lan"}}
    will, defaults = EXAMPLES[STATUS][-1], MqttSettings()
    return {
        "devices": {
            "host": "{host}:8883",
            "protocol": "secure-mqtt",
            "protocolVersion": "5",
            "description": "Where devices connect, each with its own certificate.",
            "variables": host,
            "security": [{"$ref": "#/components/securitySchemes/certificate"}],
            "bindings": {
                "mqtt": {
                    "cleanSession": False,
                    "keepAlive": defaults.keepalive_s,
                    "sessionExpiryInterval": defaults.session_expiry_s,
                    "lastWill": {
                        "topic": _channel_named(STATUS).topic,
                        "qos": _QOS,
                        "retain": True,
                        "message": msgspec.json.encode(will.message).decode(),
                    },
                    **_BINDING,
                }
            },
        },
        "programs": {
            "host": "{host}:8884",
            "protocol": "secure-mqtt",
            "protocolVersion": "5",
            "description": "Where dashboards and other programs connect.",
            "variables": host,
            "security": [{"$ref": "#/components/securitySchemes/password"}],
        },
        "browsers": {
            "host": "{host}:8885",
            "protocol": "wss",
            "protocolVersion": "5",
            "description": "MQTT over WebSocket, for dashboards in browsers.",
            "variables": host,
            "security": [{"$ref": "#/components/securitySchemes/password"}],
        },
    }


def _channel(channel: Channel) -> Schema:
    named = re.findall(r"\{(\w+)\}", channel.topic)
    return {
        "address": channel.topic,
        "title": _title(channel),
        "description": about(channel),
        "messages": {channel.name: {"$ref": f"#/components/messages/{channel.name}"}},
        "parameters": {name: _PARAMETERS.get(name, {"description": _OTHER_PARAMETER}) for name in named},
    }


def _operation(channel: Channel) -> tuple[str, Schema]:
    """Name and description of what the agent does with a channel."""
    action = "send" if channel.sender == "device" else "receive"
    binding: Schema = {"qos": _QOS, "retain": channel.retained}
    if channel.expiry_s:
        binding["messageExpiryInterval"] = channel.expiry_s
    operation: Schema = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": _first_sentence(about(channel)),
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{channel.name}"}],
        "bindings": {"mqtt": binding | _BINDING},
    }
    if channel.name in _COMMANDS:
        operation["reply"] = {
            "channel": {"$ref": f"#/channels/{REPLY}"},
            "messages": [{"$ref": f"#/channels/{REPLY}/messages/{REPLY}"}],
        }
    return action + _title(channel).replace(" ", ""), operation


def _message(channel: Channel) -> Schema:
    message: Schema = {
        "name": channel.name,
        "title": _title(channel),
        "summary": _first_sentence(about(channel)),
        "contentType": channel.content_type,
        "payload": _payload(channel),
        "bindings": {"mqtt": dict(_BINDING)},
    }
    if channel.historical:
        message["headers"] = {
            "title": "UserProperties",
            "type": "object",
            "description": "MQTT 5 user properties.",
            "properties": {
                HISTORICAL: {
                    "title": "Historical",
                    "type": "string",
                    "enum": ["true"],
                    "description": "Present on messages that are sent late or again.",
                }
            },
        }
    if channel.name in (*_COMMANDS, REPLY):
        message["correlationId"] = {
            "description": "Chosen by who sends the command; the reply carries the same.",
            "location": "$message.payload#/id",
        }
    examples = EXAMPLES.get(channel.name, [])
    if examples:
        message["examples"] = [_example(number, example) for number, example in enumerate(examples, 1)]
    return message


def _example(number: int, example: Example) -> Schema:
    headers = {"headers": {HISTORICAL: "true"}} if example.historical else {}
    return {"name": f"example{number}", "summary": example.summary, **headers, "payload": on_the_wire(example.message)}


def on_the_wire(message: Any) -> Any:
    """A message as who decodes its JSON sees it."""
    return msgspec.json.decode(msgspec.json.encode(message))


def _payload(channel: Channel) -> Schema:
    if channel.message is bytes:
        return {"title": camel_case(channel.name), "type": "string", "format": "binary"}
    if structs_in(channel.message):
        return {"$ref": f"#/components/schemas/{channel.message.__name__}"}
    return plain(msgspec.json.schema(channel.message), camel_case(channel.name))


def is_json(channel: Channel) -> bool:
    """Whether the messages of a channel are JSON objects with a schema."""
    return channel.message is not bytes and bool(structs_in(channel.message))


def about(channel: Channel) -> str:
    """What a channel is for."""
    about = [channel.about or summary_of(channel.message)]
    return "\n\n".join([*about, *(["The broker keeps the latest one (retained)."] if channel.retained else [])])


def _title(channel: Channel) -> str:
    return channel.name.replace("_", " ").replace("-", " ").title()


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.])\s", text, maxsplit=1)[0]


def _channel_named(name: str) -> Channel:
    return next(channel for channel in CHANNELS if channel.name == name)
