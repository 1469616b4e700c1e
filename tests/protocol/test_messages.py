"""The messages as they go on the wire."""

from __future__ import annotations

import json

import pytest

from edge_agent.config import DeviceSettings, PrivacySettings, Settings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.device.statistics import MessengerStatistics, PublisherStatistics
from edge_agent.errors import InputError
from edge_agent.outbox.statistics import OutboxStatistics
from edge_agent.outbox.store import StoredSession
from edge_agent.protocol.catalogue import TYPES
from edge_agent.protocol.messages import Command, Desired, Expression, Health, Status, decode, encode
from edge_agent.protocol.topics import NAMES, Topics, parse
from tests.support.clocks import SteppedClock
from tests.support.samples import a_change, a_report, a_window

CLOCK = SteppedClock()
SESSION_ID = "01JD5W7T4KQ2AAAA"


def builder(privacy: PrivacySettings | None = None) -> MessageBuilder:
    settings = Settings(device=DeviceSettings(site="north", id="pi-3a"), privacy=privacy or PrivacySettings())
    return MessageBuilder(settings, ModelIdentity(("happy", "sad"), "9f86d081884c"), CLOCK)


def statistics() -> MessengerStatistics:
    """Of a device with several troubles."""
    return MessengerStatistics(
        PublisherStatistics(connected=True, connections=1, denied=(), turned_at=0.0),
        OutboxStatistics(
            storage="degraded",
            accepted=9,
            delivered={},
            resent=0,
            pending=4,
            kept_bytes=800,
            lost=2,
            quarantined=0,
            damaged_rows=0,
            turned_at=0.0,
            stalled=False,
        ),
        duplicate_ids=1,
        in_use_twice=True,
    )


def test_an_expression_event_has_the_fields_of_the_contract_in_their_order() -> None:
    event = builder().expression(a_change(observed_at=CLOCK.monotonic() + 0.25), Session(SESSION_ID, CLOCK))
    assert encode(event).decode() == (
        '{"v":1,"event_id":"pi-3a/01JD5W7T4KQ2AAAA/expression/1","kind":"start","track":"k7q2","expression":"happy",'
        '"confidence":0.83,"scores":{"happy":0.83,"sad":0.17},"previous":null,"held_s":0.0,'
        '"observed_at":"2023-11-14T22:13:20.250Z","mono_ms":250,"session":"01JD5W7T4KQ2AAAA","seq":1,'
        '"clock_synced":true,"model":"9f86d081884c"}'
    )


def test_a_box_is_sent_only_where_the_settings_ask_for_it() -> None:
    event = builder(PrivacySettings(boxes=True)).expression(a_change(), Session(SESSION_ID, CLOCK))
    assert json.loads(encode(event))["box"] == {"left": 10, "top": 21, "side": 30}


def test_a_summary_tells_the_end_of_its_window() -> None:
    session = Session(SESSION_ID, CLOCK)
    message = json.loads(encode(builder().summary(a_window(started_at=CLOCK.monotonic()), session)))
    assert (message["event_id"], message["mono_ms"], message["window_s"]) == (f"pi-3a/{SESSION_ID}/summary/1", 5000, 5)
    assert (message["faces"], message["shares"], message["suppressed"]) == (6, {"happy": 0.75, "sad": 0.25}, False)


def test_a_suppressed_summary_carries_no_numbers() -> None:
    message = json.loads(encode(builder().summary(a_window(suppressed=True), Session(SESSION_ID, CLOCK))))
    assert (message["faces"], message["shares"], message["suppressed"]) == (None, None, True)


def test_a_birth_tells_what_a_dashboard_needs() -> None:
    stored = StoredSession(SESSION_ID, 1_700_000_000_000, clock_synced=True, lost=0)
    birth = json.loads(encode(builder().birth(Session(SESSION_ID, CLOCK), [(stored, {"expression": 7})])))
    assert birth["v"] == 1
    assert (birth["state"], birth["session"], birth["labels"]) == ("online", SESSION_ID, ["happy", "sad"])
    assert (birth["started_at"], birth["clock_synced"]) == ("2023-11-14T22:13:20.000Z", True)
    assert birth["health_every_s"] == 30.0
    assert birth["sessions"][0]["last_seq"] == {"expression": 7}


def test_a_death_carries_the_session_it_ends_and_nothing_to_no_purpose() -> None:
    death = builder().death(Session(SESSION_ID, CLOCK))
    assert set(json.loads(encode(death))) == {"v", "state", "session", "reason", "at"}


def test_health_adds_the_outbox_and_its_problems_to_the_report() -> None:
    health = builder().health(a_report(), Session(SESSION_ID, CLOCK), statistics(), {"expression": 5})
    message = json.loads(encode(health))
    assert message["v"] == 1
    assert message["outbox"] == {"storage": "degraded", "pending": 4, "kept_bytes": 800, "lost": 2}
    assert message["problems"] == ["outbox_degraded", "events_lost", "device_id_in_use_twice"]
    assert (message["last_seq"], message["session"]) == ({"expression": 5}, SESSION_ID)
    assert message["temperature_c"] is None


def test_every_topic_has_its_type() -> None:
    assert set(TYPES) == set(NAMES)


def test_fields_of_later_versions_are_ignored() -> None:
    assert decode(b'{"v":1,"muted":true,"colour":"blue"}', Desired) == Desired(muted=True)


def test_the_range_of_a_resend_is_written_from_and_to() -> None:
    command = decode(b'{"v":1,"id":"1","command":"resend","session":"S","topic":"expression","from":3,"to":9}', Command)
    assert (command.first, command.last) == (3, 9)


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[]", b'{"v":2,"muted":true}', b'{"v":1,"muted":"yes"}'])
def test_what_is_no_message_of_the_kind_is_refused(payload: bytes) -> None:
    with pytest.raises(InputError, match="not a desired message"):
        decode(payload, Desired)


def test_the_kind_of_a_message_that_is_none_has_its_article() -> None:
    for kind, words in ((Expression, "not an expression message"), (Health, "not a health message")):
        with pytest.raises(InputError, match=words):
            decode(b"no JSON", kind)


def test_a_message_reads_as_what_was_written() -> None:
    event = builder().expression(a_change(), Session(SESSION_ID, CLOCK))
    assert decode(encode(event), Expression) == event
    birth = builder().birth(Session(SESSION_ID, CLOCK), [])
    assert decode(encode(birth), Status) == birth


def test_topics_read_as_they_were_built() -> None:
    topics = Topics("classroom", "north", "pi-3a")
    assert topics.of("status") == "classroom/v1/north/pi-3a/status"
    address = parse(topics.of("status"), "classroom")
    assert address is not None
    assert (address.site, address.device, address.name) == ("north", "pi-3a", "status")


@pytest.mark.parametrize(
    "topic", ["classroom/v2/a/b/status", "other/v1/a/b/status", "classroom/v1/a/b/else", "classroom/v1/a/status"]
)
def test_foreign_topics_are_not_of_this_contract(topic: str) -> None:
    assert parse(topic, "classroom") is None


def test_two_devices_never_share_a_client_id() -> None:
    assert Topics("c", "a.b", "c").client_id != Topics("c", "a", "b.c").client_id
