"""When something was observed, by devices whose clock may not have been set."""

from __future__ import annotations

from datetime import datetime, timezone

from msgspec.structs import replace

from edge_agent.client.timestamps import anchors_of, resolve_timestamp
from edge_agent.device.session import Session
from edge_agent.protocol.messages import SessionRecord, Status
from tests.protocol.test_messages import SESSION_ID, builder
from tests.support.clocks import SteppedClock
from tests.support.samples import a_change

CLOCK = SteppedClock()
EVENT = builder().expression(a_change(observed_at=CLOCK.monotonic() + 2.5), Session(SESSION_ID, CLOCK))
UNSET = replace(EVENT, clock_synced=False, observed_at="1970-01-01T00:00:02.500Z")
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def birth(started_at: str, *, synced: bool) -> Status:
    return Status(state="online", session=SESSION_ID, started_at=started_at, clock_synced=synced)


def test_an_event_of_a_clock_that_was_set_tells_its_own_time() -> None:
    dated = resolve_timestamp(EVENT, None)
    assert (dated.at.isoformat(), dated.certain) == ("2023-11-14T22:13:22.500000+00:00", True)


def test_an_event_from_before_the_clock_was_set_is_dated_by_its_sessions_start() -> None:
    anchor = anchors_of(birth("2026-11-22T12:00:00.000Z", synced=True))[SESSION_ID]
    assert resolve_timestamp(UNSET, anchor).at == NOON.replace(second=2, microsecond=500_000)
    assert resolve_timestamp(UNSET, anchor).certain


def test_without_a_clock_that_was_ever_set_the_time_is_uncertain() -> None:
    anchor = anchors_of(birth("1970-01-01T00:00:00.000Z", synced=False))[SESSION_ID]
    assert not resolve_timestamp(UNSET, anchor).certain
    assert not resolve_timestamp(UNSET, None).certain


def test_earlier_sessions_are_dated_too() -> None:
    before = SessionRecord(session="0", started_at="2026-11-22T12:00:00.000Z", clock_synced=True, last_seq={})
    known = anchors_of(Status(state="online", session=SESSION_ID, sessions=(before,)))
    assert resolve_timestamp(UNSET, known["0"]).at == NOON.replace(second=2, microsecond=500_000)


def test_a_time_that_is_none_does_no_harm() -> None:
    assert not resolve_timestamp(replace(UNSET, observed_at="yesterday"), None).certain
    anchor = anchors_of(birth("2026-11-22T12:00:00.000Z", synced=True))[SESSION_ID]
    assert not resolve_timestamp(replace(UNSET, mono_ms=2**62), anchor).certain
