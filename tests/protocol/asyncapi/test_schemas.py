"""The types that encode the messages also describe them."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import msgspec
import pytest

from edge_agent.device.session import Session
from edge_agent.outbox.store import StoredSession
from edge_agent.protocol.asyncapi.docstrings import fields_of, summary_of
from edge_agent.protocol.asyncapi.schemas import standalone, structs_in
from edge_agent.protocol.catalogue import CHANNELS, COMMANDS, TYPES, Channel
from edge_agent.protocol.messages import Command, Desired, Health, Message, Reply, Status, decode, encode
from edge_agent.protocol.topics import NAMES
from tests.protocol.test_messages import SESSION_ID, builder, statistics
from tests.support.clocks import SteppedClock
from tests.support.samples import a_change, a_report, a_window

CLOCK = SteppedClock()
SESSION = Session(SESSION_ID, CLOCK)
KNOWN = [(StoredSession(SESSION_ID, 0, clock_synced=True, lost=0), {"summary": 3})]
MESSAGES: list[tuple[str, Message]] = [
    ("expression", builder().expression(a_change(), SESSION)),
    ("summary", builder().summary(a_window(), SESSION)),
    ("summary", builder().summary(a_window(suppressed=True), SESSION)),
    ("health", builder().health(a_report(), SESSION, statistics(), {"expression": 5})),
    ("status", builder().birth(SESSION, KNOWN)),
    ("status", builder().death(SESSION)),
    ("status", Status(state="offline", session=SESSION_ID, reason="connection_lost")),
    ("desired", Desired(muted=True)),
    ("command", Command(id="1", command="resend", session=SESSION_ID, topic="summary", first=1, last=2)),
    ("reply", Reply(id="1", command="resend", ok=True, session=SESSION_ID, result={"count": 1, "missing": []})),
]
UNITS = {"_s": "second", "_ms": "millisecond", "_c": "Celsius", "_bytes": "bytes", "_mb": "megabytes", "_px": "pixels"}
JSON_CHANNELS = [channel for channel in CHANNELS if channel.message is not bytes and structs_in(channel.message)]


def schema_of(topic: str) -> dict[str, Any]:
    return standalone(TYPES[topic], topic, [])


def errors(topic: str, message: object) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema_of(topic)).iter_errors(message)]


@pytest.mark.parametrize(("topic", "message"), MESSAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_message_is_valid_by_the_schema_of_its_type(topic: str, message: Message) -> None:
    assert errors(topic, json.loads(encode(message))) == []


@pytest.mark.parametrize(("topic", "message"), MESSAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_field_of_the_future_is_valid_and_ignored(topic: str, message: Message) -> None:
    later = json.loads(encode(message)) | {"mood_of_the_board": {"chalk": 3}}
    assert errors(topic, later) == []
    assert decode(json.dumps(later).encode(), TYPES[topic]) == message


def test_a_message_of_another_version_is_not_valid() -> None:
    assert errors("desired", {"v": 2, "muted": True})


def test_a_resend_that_does_not_say_what_is_wanted_is_not_valid() -> None:
    asked = {"v": 1, "id": "1", "command": "resend", "session": SESSION_ID, "topic": "summary", "from": 1}
    assert errors("command", asked) == ["'to' is a required property"]


def test_the_result_of_a_command_has_the_shape_of_that_command() -> None:
    reply = {"v": 1, "id": "1", "command": "resend", "ok": True, "session": SESSION_ID}
    assert errors("reply", reply | {"result": {"count": 1, "missing": [[1, 2, 3]]}})
    assert errors("reply", reply | {"command": "snapshot", "result": {"tracks": [{"track": 7}]}})


def test_every_topic_of_a_device_is_a_channel() -> None:
    assert set(TYPES) == set(NAMES)


@pytest.mark.parametrize("channel", JSON_CHANNELS, ids=lambda channel: channel.name)
def test_every_field_is_described_with_its_unit(channel: Channel) -> None:
    results = [kind.result for kind in COMMANDS if kind.result is not None] if channel.message is Reply else []
    for struct in {struct for kind in (channel.message, *results) for struct in structs_in(kind)}:
        described = fields_of(struct)
        for field in msgspec.structs.fields(struct):
            name = field.encode_name
            assert name in described, f"say what {struct.__name__}.{name} is under 'Attributes:' in its docstring"
            unit = next((word for suffix, word in UNITS.items() if re.search(f"{suffix}$", name)), "")
            assert unit.lower() in described[name].lower(), (
                f"{struct.__name__}.{name}: its description does not say the unit"
            )


def test_a_type_describes_the_fields_it_shares_with_another() -> None:
    described = fields_of(Health)
    assert described["session"] == "The run of the agent that observed it."
    assert described["fps"].startswith("Frames taken")
    assert described["outbox"] == "Where events wait."
    assert summary_of(Health) == "How the device is doing, retained, sent every `health_every_s`."
