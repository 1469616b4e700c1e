"""Storing entries: numbers devices, sessions and labels, drops what is stored already, derives markers from changes."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, delete, func, select, update

from dashboard.history import tens
from dashboard.history.database import insert_new
from dashboard.history.entries import (
    BrokerEntry,
    Entry,
    Event,
    HealthEntry,
    LostEntry,
    NotStoredEntry,
    RedateEntry,
    StateEntry,
    StatusEntry,
    clean,
)
from dashboard.history.erasure import erased_spans
from dashboard.history.packing import pack
from dashboard.history.tables import (
    EVERYWHERE,
    LATE,
    UNDATED,
    devices,
    faces,
    health,
    label_sets,
    markers,
    properties,
    received,
    sessions,
    statuses,
    windows,
)
from edge_agent.client.events import Device
from edge_agent.client.ranges import Ranges
from edge_agent.protocol.topics import EXPRESSION, SUMMARY

_MAX_RANGES: Final = 5000
"""Of one session and topic. A device that numbers its events without gaps has one."""
_SESSION_NOTED_EVERY_MS: Final = 3_600_000
_STATE_COLUMNS: Final = (
    "room",
    "time_zone",
    "labels",
    "model",
    "state",
    "muted",
    "camera",
    "changed_ms",
    "health_session",
    "health_mono_ms",
    "status_digest",
)


class TakenOver(Exception):
    """Another recorder has begun to store into this database."""


@dataclass(slots=True)
class _Known:
    """A row of ``devices``. ``dirty``: whether it is to be stored."""

    id: int
    room: str = ""
    time_zone: str = ""
    labels: str = ""
    model: str = ""
    state: str = ""
    muted: int = -1
    camera: str = ""
    changed_ms: int = 0
    health_session: str = ""
    health_mono_ms: int = -1
    status_digest: str = ""
    dirty: bool = False


@dataclass(slots=True)
class _Batch:
    """Rows of one transaction.

    ``erased``: what must not be stored again. ``redated``: device and ten minutes of windows that got another time.
    """

    erased: list[tuple[int, int, int]] = field(default_factory=list)
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    ranges: set[tuple[int, str]] = field(default_factory=set)
    redated: set[tuple[int, int]] = field(default_factory=set)

    def mark(self, device_id: int, at_ms: int, kind: str, text: str, source: str = "") -> None:
        """Add a marker, unless its time was erased."""
        if self.is_erased(device_id, at_ms):
            return
        row = {"device_id": device_id, "at_ms": at_ms, "kind": kind, "text": clean(text, 200), "source": source}
        self.rows["markers"].append(row)

    def is_erased(self, device_id: int, at_ms: int) -> bool:
        """Whether what a device says of this time must not be stored."""
        return any(whose in (device_id, EVERYWHERE) and start <= at_ms <= end for whose, start, end in self.erased)


class Writer:
    """Stores entries in a transaction that the caller opens. One thread uses it.

    What it knows of the database it keeps in memory. After a transaction that was not committed, throw it away.

    Args:
        connection: A transaction for writing.
        owner: Mark of the recorder. Who stores first with a new one takes over.
        begins: Whether this recorder takes over now.
    """

    def __init__(self, connection: Connection, owner: str, *, begins: bool, now_ms: int) -> None:
        self._owner = owner
        self._devices = {
            Device(row.site, row.device): _Known(row.id, *(getattr(row, name) for name in _STATE_COLUMNS))
            for row in connection.execute(select(devices))
        }
        self._sessions: dict[tuple[int, str], tuple[int, int]] = {
            (row.device_id, row.session): (row.id, row.last_ms) for row in connection.execute(select(sessions))
        }
        self._received: dict[tuple[int, str], Ranges] = {}
        self._stored_ranges: dict[tuple[int, str], set[tuple[int, int]]] = defaultdict(set)
        for row in connection.execute(select(received)):
            key = row.session_id, row.topic
            self._received.setdefault(key, Ranges()).add(row.first, row.last)
            self._stored_ranges[key].add((row.first, row.last))
        self._label_sets = {tuple(json.loads(row.labels)): row.id for row in connection.execute(select(label_sets))}
        if begins:
            self._begin(connection, now_ms)
        found = dict(connection.execute(select(properties.c.name, properties.c.value)).all())
        self._broker = found.get("broker", "")

    def store(self, connection: Connection, entries: Iterable[Entry], now_ms: int) -> None:
        """Store entries.

        Raises:
            TakenOver: Another recorder stores here now.
        """
        self._hold(connection)
        batch = _Batch(erased=erased_spans(connection))
        for entry in entries:
            if isinstance(entry, Event):
                self._event(connection, batch, entry)
            elif isinstance(entry, HealthEntry):
                self._health(connection, batch, entry)
            elif isinstance(entry, StatusEntry):
                self._status(connection, batch, entry)
            elif isinstance(entry, StateEntry):
                self._state(connection, batch, entry)
            elif isinstance(entry, LostEntry):
                self._lost(connection, batch, entry)
            elif isinstance(entry, RedateEntry):
                self._redate(connection, batch, entry)
            elif isinstance(entry, NotStoredEntry):
                batch.mark(self._known(connection, entry.device).id, entry.at_ms, "lost", f"{entry.count} messages")
            else:
                self._broker_changed(batch, entry)
        self._flush(connection, batch)
        tens.make_anew(connection, batch.redated)
        _set(connection, "recorded_at", str(now_ms))
        _set(connection, "broker", self._broker)

    def check(self, connection: Connection) -> None:
        """Look whether this recorder is still the one that stores. It writes nothing.

        Raises:
            TakenOver: Another recorder stores here now.
        """
        if who_records(connection)[0] != self._owner:
            raise TakenOver

    def end(self, connection: Connection, now_ms: int) -> None:
        """Note that the recording ends on purpose.

        Raises:
            TakenOver: Another recorder stores here now.
        """
        self._hold(connection)
        batch = _Batch()
        batch.mark(EVERYWHERE, now_ms, "recorder", "ended")
        self._flush(connection, batch)
        _set(connection, "recorded_at", "")

    def _hold(self, connection: Connection) -> None:
        """Keep others from taking over until this transaction ends."""
        mine = update(properties).where(properties.c.name == "recorder", properties.c.value == self._owner)
        if connection.execute(mine.values(value=self._owner)).rowcount != 1:
            raise TakenOver

    def _begin(self, connection: Connection, now_ms: int) -> None:
        """Take over. Where the recorder before did not end on purpose, it ended when it stored for the last time."""
        last = connection.scalar(select(properties.c.value).where(properties.c.name == "recorded_at"))
        batch = _Batch()
        if last:
            batch.mark(EVERYWHERE, int(last), "recorder", "ended")
        batch.mark(EVERYWHERE, now_ms, "recorder", "began")
        self._flush(connection, batch)
        _set(connection, "recorder", self._owner)
        _set(connection, "recorded_at", str(now_ms))

    def _event(self, connection: Connection, batch: _Batch, entry: Event) -> None:
        known = self._known(connection, entry.device)
        session_id = self._session(connection, known.id, entry.session, entry.at_ms)
        key = session_id, entry.topic
        ranges = self._received.setdefault(key, Ranges())
        if entry.seq in ranges:
            return
        if len(self._stored_ranges[key]) > _MAX_RANGES:
            return
        ranges.add(entry.seq, entry.seq)
        batch.ranges.add(key)
        if batch.is_erased(known.id, entry.at_ms):
            return
        row = {
            "device_id": known.id,
            "at_ms": entry.at_ms,
            "session_id": session_id,
            "seq": entry.seq,
            "flags": entry.flags,
            **entry.values,
        }
        if entry.topic == EXPRESSION:
            batch.rows["faces"].append(row)
            return
        row["label_set"], row["shares"] = self._packed(connection, known, entry.shares)
        batch.rows["windows"].append(row)
        if entry.muted and entry.flags & LATE:
            batch.mark(known.id, entry.at_ms, "muted", "")
        elif entry.muted:
            self._set_muted(batch, known, entry.at_ms, muted=True)

    def _packed(
        self, connection: Connection, known: _Known, shares: dict[str, float] | None
    ) -> tuple[int | None, bytes | None]:
        if not shares:
            return None, None
        labels: tuple[str, ...] = (*json.loads(known.labels), "uncertain") if known.labels else ()
        if not set(shares) <= set(labels):
            labels = tuple(sorted(shares))
        number = self._label_sets.get(labels)
        if number is None:
            text = json.dumps(labels, ensure_ascii=False)
            number = self._label_sets[labels] = _insert(connection, label_sets, labels=text)
        return number, pack(shares, labels)

    def _health(self, connection: Connection, batch: _Batch, entry: HealthEntry) -> None:
        known = self._known(connection, entry.device)
        if (entry.session, entry.mono_ms) <= (known.health_session, known.health_mono_ms):
            return  # stored already: the broker keeps the latest one
        known.health_session, known.health_mono_ms, known.dirty = entry.session, entry.mono_ms, True
        if batch.is_erased(known.id, entry.at_ms):
            return
        batch.rows["health"].append({"device_id": known.id, "at_ms": entry.at_ms, **entry.values})
        self._set_muted(batch, known, entry.at_ms, muted=bool(entry.values["muted"]))
        camera = entry.values["camera"]
        if camera != "muted" and camera != known.camera:
            if known.camera or camera not in ("ok", "starting"):
                batch.mark(known.id, entry.at_ms, "camera", camera)
            known.camera = camera

    def _set_muted(self, batch: _Batch, known: _Known, at_ms: int, *, muted: bool) -> None:
        if at_ms < known.changed_ms:
            return
        known.changed_ms, known.dirty = at_ms, True
        if known.muted != muted and (muted or known.muted != -1):
            batch.mark(known.id, at_ms, "muted" if muted else "unmuted", "")
        known.muted = int(muted)

    def _status(self, connection: Connection, batch: _Batch, entry: StatusEntry) -> None:
        known = self._known(connection, entry.device)
        if entry.retained and entry.digest == known.status_digest:
            return  # stored already
        known.status_digest, known.dirty = entry.digest, True
        model = entry.known.get("model", "")
        if model and known.model and model != known.model:
            batch.mark(known.id, entry.at_ms, "model", f"{known.model} -> {model}")
        for name, value in entry.known.items():
            setattr(known, name, value)
        if entry.state == "online" and entry.session < known.health_session:
            known.health_session, known.health_mono_ms = "", -1  # its clock was ahead, and nothing is left of that
        if batch.is_erased(known.id, entry.at_ms):
            return
        row = {"device_id": known.id, "at_ms": entry.at_ms, "session": entry.session, "state": entry.state}
        batch.rows["statuses"].append(row | {"body": entry.body})

    def _state(self, connection: Connection, batch: _Batch, entry: StateEntry) -> None:
        known = self._known(connection, entry.device)
        if entry.state != known.state:
            known.state, known.dirty = entry.state, True
            batch.mark(known.id, entry.at_ms, entry.state, entry.reason)

    def _lost(self, connection: Connection, batch: _Batch, entry: LostEntry) -> None:
        """Mark a gap at the last window before it. Where there is none, it is from before the recording began."""
        known = self._devices.get(entry.device)
        session_id = self._sessions.get((known.id, entry.session), (0, 0))[0] if known else 0
        if known is None or not session_id:
            return
        self._flush(connection, batch)  # the window before it may be in the same batch
        table = windows if entry.topic == SUMMARY else faces
        before = connection.scalar(
            select(func.max(table.c.at_ms)).where(
                table.c.device_id == known.id, table.c.session_id == session_id, table.c.seq < entry.first
            )
        )
        source = f"{session_id}/{entry.topic}/{entry.first}-{entry.last}"
        marked = select(markers.c.id).where(markers.c.device_id == known.id, markers.c.source == source)
        if before is not None and connection.scalar(marked) is None:
            noun = "windows" if entry.topic == SUMMARY else "events"
            batch.mark(known.id, before, "lost", f"{entry.last - entry.first + 1} {noun}", source)

    def _redate(self, connection: Connection, batch: _Batch, entry: RedateEntry) -> None:
        known = self._devices.get(entry.device)
        if known is None or (known.id, entry.session) not in self._sessions:
            return
        self._flush(connection, batch)
        batch.redated |= {(known.id, tens.ten_of(at_ms)) for at_ms in (entry.old_ms, entry.at_ms)}
        window = (
            (windows.c.device_id == known.id)
            & (windows.c.at_ms == entry.old_ms)
            & (windows.c.session_id == self._sessions[known.id, entry.session][0])
            & (windows.c.seq == entry.seq)
        )
        if batch.is_erased(known.id, entry.at_ms):
            connection.execute(delete(windows).where(window))
            return
        flags = windows.c.flags.op("&")(~UNDATED & 0x7FFF)
        connection.execute(update(windows).where(window).values(at_ms=entry.at_ms, flags=flags))

    def _broker_changed(self, batch: _Batch, entry: BrokerEntry) -> None:
        if entry.connected:
            if self._broker == "gone":
                batch.mark(EVERYWHERE, entry.at_ms, "broker_back", "")
            self._broker = "there"
        elif self._broker != "gone":
            batch.mark(EVERYWHERE, entry.at_ms, "broker", entry.reason)
            self._broker = "gone"

    def _known(self, connection: Connection, device: Device) -> _Known:
        known = self._devices.get(device)
        if known is None:
            number = _insert(connection, devices, site=device.site, device=device.id)
            known = self._devices[device] = _Known(number)
        return known

    def _session(self, connection: Connection, device_id: int, session: str, at_ms: int) -> int:
        key = device_id, session
        number, last_ms = self._sessions.get(key, (0, 0))
        if not number:
            number = _insert(connection, sessions, device_id=device_id, session=session, last_ms=at_ms)
            self._sessions[key] = number, at_ms
        elif at_ms > last_ms + _SESSION_NOTED_EVERY_MS:
            connection.execute(update(sessions).where(sessions.c.id == number).values(last_ms=at_ms))
            self._sessions[key] = number, at_ms
        return number

    def _flush(self, connection: Connection, batch: _Batch) -> None:
        for table in (windows, faces, health):
            insert_new(connection, table, batch.rows[table.name])
        tens.add_windows(connection, batch.rows[windows.name])
        for plain in (statuses, markers):
            if rows := batch.rows[plain.name]:
                connection.execute(plain.insert(), rows)
        for key in batch.ranges:
            self._store_ranges(connection, key)
        changed = [known for known in self._devices.values() if known.dirty]
        if changed:
            connection.execute(
                update(devices).where(devices.c.id == bindparam("number")),
                [{"number": known.id} | {name: getattr(known, name) for name in _STATE_COLUMNS} for known in changed],
            )
        for known in changed:
            known.dirty = False
        batch.rows.clear()
        batch.ranges.clear()

    def _store_ranges(self, connection: Connection, key: tuple[int, str]) -> None:
        now, before = set(self._received[key]), self._stored_ranges[key]
        by_key = (received.c.session_id == key[0]) & (received.c.topic == key[1])
        firsts = {first for first, _ in now}
        if gone := [first for first, _ in before if first not in firsts]:
            connection.execute(delete(received).where(by_key, received.c.first.in_(gone)))
        known = {first for first, _ in before}
        for first, last in now - before:
            if first in known:
                connection.execute(update(received).where(by_key, received.c.first == first).values(last=last))
            else:
                values = {"session_id": key[0], "topic": key[1], "first": first, "last": last}
                connection.execute(received.insert().values(**values))
        self._stored_ranges[key] = now


def who_records(connection: Connection) -> tuple[str, str]:
    """The mark of the recorder that stores, and when it last noted that it does; empty where it ended on purpose."""
    names = ("recorder", "recorded_at")
    query = select(properties.c.name, properties.c.value).where(properties.c.name.in_(names))
    found = dict(connection.execute(query).all())
    return found.get("recorder", ""), found.get("recorded_at", "")


def _insert(connection: Connection, table: Table, **values: Any) -> int:
    key = connection.execute(table.insert().values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _set(connection: Connection, name: str, value: str) -> None:
    if connection.execute(update(properties).where(properties.c.name == name).values(value=value)).rowcount == 0:
        connection.execute(properties.insert().values(name=name, value=value))
