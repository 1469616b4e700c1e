"""The school as the page knows it now. One thread applies notices; any thread may read the rooms, which never change.

Times are unix seconds of this machine, not of the devices, whose clocks may be years off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from msgspec import UnsetType

from dashboard.live.attention import (
    CAMERA_CONDITIONS,
    Condition,
    Facts,
    attention,
    condition_of,
    needs_attention,
)
from dashboard.live.earlier import LIFE, Earlier, LastKnown
from edge_agent.client import (
    Arrived,
    BrokerChanged,
    Device,
    DeviceState,
    Expression,
    Health,
    Notice,
    Removed,
    StateChanged,
    Status,
    Summary,
)
from edge_agent.protocol.messages import Message
from edge_agent.protocol.topics import STATUS

_MAX_TRACKS = 100
"""A device that sends more tracks than a classroom has people is broken or hostile."""
_MAX_ROOMS = 5000
_MAX_NAME = 80
_MAX_AWAY_S = 400 * 86_400.0
"""A device that says that it stopped earlier than that has a wrong clock."""
_FORGET_S = 3600.0
"""A device of which the broker keeps no status leaves the page after so long a silence."""


@dataclass(frozen=True, slots=True)
class Track:
    """A face that is followed now: its stable expression, how sure that is, and since when."""

    id: str
    expression: str
    confidence: float
    since: float


@dataclass(frozen=True, slots=True)
class Room:
    """What is known of one device, and so of its room.

    Attributes:
        device: Which one.
        condition: What matters most about it now.
        since: Since when that condition holds, as far as the page has seen it.
        state: Whether it is alive.
        reason: Why it is offline.
        session: The run of the agent that the rest belongs to.
        status: Its latest birth or death.
        birth: Its latest birth, which says room, model and version; a death does not.
        health: Its latest report.
        health_at: When that came.
        summary: Its latest window that was not sent late.
        summary_at: When that came.
        muted: Whether the camera is closed on request.
        tracks: Faces by id; only of devices that publish single faces.
        clock_ahead_s: How far the device's clock is before this machine's, by its latest report.
        heard_at: When anything came of it that the broker had not kept; else when it was first seen.
        kept: Whether the broker keeps a readable status of it, as far as the page has seen on this connection.
    """

    device: Device
    condition: Condition = Condition.UNKNOWN
    since: float = 0.0
    state: DeviceState = DeviceState.UNKNOWN
    reason: str = ""
    session: str = ""
    status: Status | None = None
    birth: Status | None = None
    health: Health | None = None
    health_at: float = 0.0
    summary: Summary | None = None
    summary_at: float = 0.0
    muted: bool = False
    tracks: Mapping[str, Track] = field(default_factory=lambda: MappingProxyType({}))
    clock_ahead_s: float = 0.0
    heard_at: float = 0.0
    kept: bool = False

    @property
    def name(self) -> str:
        """The room's name for people: as its settings say, else the device's own name.

        Characters that nobody sees are left out, as some turn the text around them.
        """
        said = self.birth.room if self.birth else ""
        return "".join(filter(str.isprintable, said)).strip()[:_MAX_NAME] or self.device.id

    @property
    def protected(self) -> bool:
        """Whether the device protects single members of the group, and so withholds more than small groups."""
        return self.summary is not None and self.summary.approximate is True

    @property
    def only_groups(self) -> bool:
        """Whether the device says that it publishes nothing about single faces."""
        return self.birth is not None and self.birth.privacy_level == "summary"

    @property
    def attention(self) -> int:
        """How early it comes in the list: 0 is first."""
        return attention(self.condition, problems=bool(self.health and self.health.problems))

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look after it."""
        return needs_attention(self.condition, problems=bool(self.health and self.health.problems))


class School:
    """All rooms, and whether there is a connection to the broker.

    Attributes:
        rooms: By device. Replaced and never changed, so that other threads may go through it.
        connected: Whether there is a connection to the broker.
        connected_since: Since when that holds.
        broker_reason: Why there is no connection.

    Args:
        now: Unix seconds.
        known: What the history knew last, by device; so that a new process can say since when something holds.
        gone_since: Since when there has been no connection, as far as the history knows; 0 where it does not.
    """

    def __init__(self, now: float, known: Mapping[Device, LastKnown] | None = None, *, gone_since: float = 0.0) -> None:
        self._earlier = Earlier(known or {})
        self.rooms: Mapping[Device, Room] = MappingProxyType({})
        self.connected, self.connected_since, self.broker_reason = False, min(gone_since or now, now), ""
        self._to_forget: set[Device] = set()

    def apply(self, notice: Notice, now: float) -> set[Device]:
        """Take one of the client's notices.

        Returns:
            The rooms that look different now.
        """
        if isinstance(notice, BrokerChanged):
            if notice.connected:  # the broker sends again what it keeps
                self.rooms = MappingProxyType({key: replace(room, kept=False) for key, room in self.rooms.items()})
            if notice.connected != self.connected:
                self.connected, self.connected_since = notice.connected, now
            self.broker_reason = notice.reason
            return self._judge(self.rooms, now) | set(self.rooms)
        if isinstance(notice, StateChanged):
            # A lost connection is reported also of devices that have left the page.
            begins = notice.state is DeviceState.ONLINE
            known = self._room(notice.device, now) if begins else self.rooms.get(notice.device)
            if known is None:
                return set()
            changed = replace(known, state=notice.state, reason=notice.reason)
            if notice.state is DeviceState.OFFLINE:
                changed = replace(changed, tracks=MappingProxyType({}))
            return self._store(changed, now)
        if isinstance(notice, Removed):
            return self._removed(notice)
        if isinstance(notice, Arrived) and not notice.late:
            known = self._room(notice.device, now)
            if known is None:
                return set()
            confirmed = known.kept
            known = replace(
                known,
                heard_at=known.heard_at if notice.retained else now,
                kept=known.kept or isinstance(notice.message, Status),
            )
            if isinstance(notice.message, Status) and not confirmed:
                known = _from_then_on(known, notice.message.session)
            taken = _taken(known, notice.message, now)
            if not notice.retained:
                self._earlier.contradict(notice.device, Condition.STALE)
            if known.session and taken.session != known.session:
                self._earlier.contradict(notice.device, *LIFE)
            if isinstance(notice.message, Health) and taken.health is notice.message and not notice.retained:
                taken = replace(taken, clock_ahead_s=_unix(notice.message.observed_at) - now)
            return self._store(taken, now)
        return set()

    def tick(self, now: float) -> set[Device]:
        """Time passes; the rooms that look different for that."""
        return self._forget_asked() | self._forget_silent(now) | self._judge(self.rooms, now)

    def forget_soon(self, device: Device) -> None:
        """Have a device leave the page with the next tick, until it is heard of again. Any thread may ask."""
        self._to_forget.add(device)

    def leaves_soon(self, device: Device) -> bool:
        """Whether a device leaves the page with the next tick, because somebody asked for it."""
        return device in self._to_forget

    def forget(self, device: Device) -> None:
        """Remove a device from the page until it is heard of again. For the thread that applies notices."""
        self.rooms = MappingProxyType({key: room for key, room in self.rooms.items() if key != device})

    def _removed(self, notice: Removed) -> set[Device]:
        """A status was deleted at the broker: a device that is away leaves at once, another one when it is silent."""
        room = self.rooms.get(notice.device)
        if room is None or notice.topic != STATUS:
            return set()
        if room.state is DeviceState.OFFLINE:
            self.forget(room.device)
            return {room.device}
        self.rooms = MappingProxyType({**self.rooms, room.device: replace(room, kept=False)})
        return set()

    def _forget_asked(self) -> set[Device]:
        gone = set()
        for device in tuple(self._to_forget):
            if device in self.rooms:
                self.forget(device)
                gone.add(device)
            self._to_forget.discard(device)
        return gone

    def _forget_silent(self, now: float) -> set[Device]:
        if not self.connected:
            return set()
        silent = {
            device
            for device, room in self.rooms.items()
            if not room.kept and now - max(room.heard_at, self.connected_since) > _FORGET_S
        }
        for device in silent:
            self.forget(device)
        return silent

    def _room(self, device: Device, now: float) -> Room | None:
        known = self.rooms.get(device)
        if known is None and len(self.rooms) < _MAX_ROOMS:
            known = Room(device, heard_at=now)
        return known

    def _store(self, room: Room, now: float) -> set[Device]:
        self.rooms = MappingProxyType({**self.rooms, room.device: self._judged(room, now)})
        return {room.device}

    def _judge(self, devices: Iterable[Device], now: float) -> set[Device]:
        found = {device: self._judged(self.rooms[device], now) for device in devices}
        changed = {device for device, room in found.items() if room is not self.rooms[device]}
        if changed:
            self.rooms = MappingProxyType({**self.rooms, **found})
        return changed

    def _judged(self, room: Room, now: float) -> Room:
        condition = condition_of(
            Facts(
                connected=self.connected,
                state=room.state,
                reason=room.reason,
                muted=room.muted,
                camera=_camera_state(room),
                suppressed=room.summary.suppressed if room.summary else None,
                window_s=room.summary.window_s if room.summary else 0.0,
                summary_age_s=now - room.summary_at,
                problems=room.health.problems if room.health else (),
            )
        )
        self._contradict(room)
        if condition is room.condition and room.since:
            return room
        if condition is Condition.BROKER_GONE:
            if room.since:
                self._earlier.remember(room.device, room.condition, room.since)
            return replace(room, condition=condition, since=self.connected_since)
        since = self._earlier.take(room.device, condition, now)
        if condition is Condition.OFFLINE and since == now:
            since = _stopped_at(room.status, now)
        return replace(room, condition=condition, since=since)

    def _contradict(self, room: Room) -> None:
        """What a device says now ends what the history knew of it."""
        if room.state is DeviceState.ONLINE:
            self._earlier.contradict(room.device, Condition.OFFLINE, Condition.DEAD)
        if room.health is not None and self.connected:
            if not room.muted:
                self._earlier.contradict(room.device, Condition.MUTED)
            now_so = CAMERA_CONDITIONS.get(room.health.camera.state)
            others = (one for one in CAMERA_CONDITIONS.values() if one not in (now_so, Condition.MUTED))
            if not room.muted:
                self._earlier.contradict(room.device, *others)


def _stopped_at(status: Status | None, now: float) -> float:
    """When a device was stopped by its own word, where its clock was set; else now."""
    if status is None or status.state != "offline" or status.clock_synced is not True or not isinstance(status.at, str):
        return now
    at = _unix(status.at)
    return at if now - _MAX_AWAY_S < at <= now else now


def _camera_state(room: Room) -> str:
    """What the latest report says of the camera; a window that came after it shows that the camera has started."""
    health, summary = room.health, room.summary
    if health is None:
        return ""
    started = summary is not None and (summary.session, summary.mono_ms) >= (health.session, health.mono_ms)
    return "" if started and health.camera.state == "starting" else health.camera.state


def _from_then_on(room: Room, session: str) -> Room:
    """A room whose device begins with a smaller session than was known, since the broker keeps no later one."""
    if session >= room.session:
        return room
    return replace(room, session="", summary=None, summary_at=0.0, health=None, tracks=MappingProxyType({}))


def _taken(room: Room, message: Message, now: float) -> Room:
    """A room after a message of its device; what comes of an earlier session says nothing about now."""
    session = getattr(message, "session", "")
    if session < room.session or (isinstance(message, Status) and session < room.session):
        return room
    if session > room.session:
        room = replace(room, session=session, summary=None, summary_at=0.0, tracks=MappingProxyType({}))
    if isinstance(message, Status):
        return replace(room, status=message, birth=message if message.state == "online" else room.birth)
    if isinstance(message, Health):
        tracks = MappingProxyType({}) if message.muted else room.tracks
        return replace(room, health=message, health_at=now, muted=message.muted, tracks=tracks)
    if isinstance(message, Summary):
        muted = not isinstance(message.muted, UnsetType) and message.muted
        return replace(room, summary=message, summary_at=now, muted=muted)
    if isinstance(message, Expression):
        return replace(room, tracks=_tracks_after(room.tracks, message, now))
    return room


def _tracks_after(tracks: Mapping[str, Track], event: Expression, now: float) -> Mapping[str, Track]:
    others = {key: track for key, track in tracks.items() if key != event.track}
    if event.kind == "end" or len(others) >= _MAX_TRACKS:
        return MappingProxyType(others)
    known = tracks.get(event.track)
    since = known.since if known is not None and known.expression == event.expression else now
    return MappingProxyType({**others, event.track: Track(event.track, event.expression, event.confidence, since)})


def _unix(text: str) -> float:
    """A time of a message in unix seconds; what is no time counts as 1970."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
