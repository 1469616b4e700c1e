"""A school in which every condition of a room occurs once."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from dashboard.live.school import School
from edge_agent.client import BrokerChanged, Device, DeviceState, StateChanged
from edge_agent.protocol.messages import ModelUpdate, Percentiles
from tests.dashboard.messages import arrived, birth, expression, health, online, summary

FACES = Device("north", "pi-0")
"""Shows twelve single faces."""
TOO_FEW = Device("north", "pi-5")
CAMERAS = {6: "dark", 7: "frozen", 8: "failed", 9: "stalled"}
SHARES = {"happy": 0.2, "neutral": 0.4, "sad": 0.1, "surprise": 0.05, "uncertain": 0.25}


def example_school() -> School:
    """Sixteen rooms."""
    now = time.time()
    school = School(now - 600)
    school.apply(BrokerChanged(connected=True, reason=""), now - 600)
    for number in range(16):
        _add_room(school, number, Device("north", f"pi-{number}"), now)
    return school


def _add_room(school: School, number: int, device: Device, now: float) -> None:
    update = ModelUpdate(source="fleet", version=3, state="refused", wanted=4, reason="the golden faces differ")
    born = birth(f"Room {100 + number}", model_update=update, certificate_until=_text(now + 86400 * (number + 20)))
    camera = CAMERAS.get(number, "ok")
    problems = (f"camera_{camera}",) if number in CAMERAS else ("throttled", "a_new_word") if number == 4 else ()
    report = health(
        camera,
        latency_ms={"total": Percentiles(p50=30.0, p95=61.2)},
        temperature_c=51.2,
        problems=problems,
        observed_at=_text(now - (1e6 if number == 3 else 30)),
    )
    school.apply(online(device), now - 500)
    school.apply(arrived(born, device), now - 400)
    if number == 15:
        return
    school.apply(arrived(report, device), now - 30)
    few = device == TOO_FEW
    school.apply(arrived(summary(None if few else 18 + number, shares=None if few else SHARES), device), now - 3)
    if device == FACES:
        for track in range(12):
            name = ("happy", "neutral", "sad", "uncertain")[track % 4]
            school.apply(arrived(expression(track=f"w{track}x5", name=name, seq=track + 1), device), now - 20)
    if number == 10:
        school.apply(arrived(health("muted", muted=True), device), now - 100)
    state, reason, at = {
        11: (DeviceState.OFFLINE, "stopped", now - 4000),
        12: (DeviceState.OFFLINE, "connection_lost", now - 70),
        13: (DeviceState.STALE, "", now - 200),
    }.get(number, (DeviceState.ONLINE, "", now))
    school.apply(StateChanged(device, state, reason), at)


def _text(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
