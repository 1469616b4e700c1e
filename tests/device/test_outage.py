"""What is said about a broker that is away."""

from __future__ import annotations

from edge_agent.device.outage import OutageLog


def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends() -> None:
    log = OutageLog()
    assert log.failed("connection refused", 100.0, refused=False) is not None
    assert log.failed("connection refused", 160.0, refused=False) is None
    assert log.failed("timed out", 220.0, refused=False) is None
    assert (
        log.connected("b:1883", 12, 300.0)
        == "connected to broker b:1883 after an outage of 3 min 20 s, 12 events waiting"
    )


def test_a_refusal_in_an_outage_is_logged_once() -> None:
    log = OutageLog()
    log.failed("connection refused", 100.0, refused=False)
    assert log.failed("bad password", 110.0, refused=True) is not None
    assert log.failed("bad password", 120.0, refused=True) is None


def test_the_next_outage_is_logged_again() -> None:
    log = OutageLog()
    log.failed("bad password", 100.0, refused=True)
    log.connected("b:1883", 0, 101.0)
    assert log.failed("bad password", 200.0, refused=True) is not None


def test_a_first_connection_without_trouble_tells_of_no_outage() -> None:
    assert OutageLog().connected("b:1883", 1, 5.0) == "connected to broker b:1883, 1 event waiting"
