"""The types that encode the messages also describe them."""

from __future__ import annotations

import json
from inspect import cleandoc

import jsonschema
import msgspec
import pytest

from edge_agent.messaging.payloads import (
    TYPES,
    Command,
    Desired,
    Expression,
    HealthReport,
    Message,
    Reply,
    Status,
    encode,
)
from edge_agent.messaging.session import Session
from edge_agent.messaging.store import StoredSession
from tests.messaging.clocks import SteppedClock
from tests.messaging.samples import a_change, a_report, a_window
from tests.messaging.test_payloads import SESSION_ID, composer, counters

CLOCK = SteppedClock()
SESSION = Session(SESSION_ID, CLOCK)
KNOWN = [(StoredSession(SESSION_ID, 0, clock_synced=True, lost=0), {"summary": 3})]
MESSAGES: list[tuple[str, Message]] = [
    ("expression", composer().expression(a_change(), SESSION)),
    ("summary", composer().summary(a_window(), SESSION)),
    ("summary", composer().summary(a_window(suppressed=True), SESSION)),
    ("health", composer().health(a_report(), SESSION, counters(), {"expression": 5})),
    ("status", composer().birth(SESSION, KNOWN)),
    ("status", composer().death(SESSION)),
    ("status", Status(state="offline", session=SESSION_ID, reason="connection_lost")),
    ("desired", Desired(muted=True)),
    ("command", Command(id="1", command="resend", session=SESSION_ID, topic="summary", first=1, last=2)),
    ("reply", Reply(id="1", command="resend", ok=True, session=SESSION_ID, result={"count": 1, "missing": []})),
]


@pytest.mark.parametrize(("topic", "message"), MESSAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_message_is_valid_by_the_schema_of_its_type(topic: str, message: Message) -> None:
    schema = msgspec.json.schema(TYPES[topic])
    jsonschema.validate(json.loads(encode(message)), schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("topic", TYPES)
def test_every_field_is_described(topic: str) -> None:
    described = "\n".join(cleandoc(kind.__doc__ or "") for kind in (TYPES[topic], Expression, HealthReport))
    fields = {field.name for field in msgspec.structs.fields(TYPES[topic])}
    assert {name for name in fields if f"\n    {name}: " not in described} == set()
