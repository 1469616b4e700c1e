"""What can honestly be said about a device."""

from __future__ import annotations

from edge_agent.client.liveness import DeviceState, Liveness
from edge_agent.protocol.messages import Status


def born(session: str = "S2") -> Liveness:
    device = Liveness()
    device.status(Status(state="online", session=session, health_every_s=10.0), now=0.0)
    return device


def test_nothing_is_said_of_a_device_never_heard_of() -> None:
    assert Liveness().state is DeviceState.UNKNOWN


def test_a_birth_makes_it_online_and_its_death_offline_with_the_reason() -> None:
    device = born()
    before = device.state
    device.status(Status(state="offline", session="S2", reason="connection_lost"), now=1.0)
    assert before is DeviceState.ONLINE
    assert (device.state, device.reason) == (DeviceState.OFFLINE, "connection_lost")


def test_a_late_death_of_an_old_session_says_nothing() -> None:
    device = born("S2")
    device.status(Status(state="offline", session="S1", reason="connection_lost"), now=1.0)
    assert device.state is DeviceState.ONLINE


def test_silence_for_three_reports_makes_it_stale_and_a_word_brings_it_back() -> None:
    device = born()
    states = []
    for now in (30.0, 30.1):
        device.tick(now)
        states.append(device.state)
    device.heard("S2", 31.0)
    assert [*states, device.state] == [DeviceState.ONLINE, DeviceState.STALE, DeviceState.ONLINE]


def test_a_late_message_does_not_raise_the_dead() -> None:
    device = born("S2")
    device.status(Status(state="offline", session="S2"), now=1.0)
    states = []
    for session in ("S2", "S1", "S3"):
        device.heard(session, 2.0)
        states.append(device.state)
    assert states == [DeviceState.OFFLINE, DeviceState.OFFLINE, DeviceState.ONLINE]


def test_without_a_broker_nothing_is_known() -> None:
    device = born()
    device.connection_lost()
    device.tick(100.0)
    assert device.state is DeviceState.UNKNOWN
