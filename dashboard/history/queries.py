"""Reading the history: figures, markers and health of a device between two times."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, cast, func, select

from dashboard.history.columns import MINUTES, TENS, WINDOWS
from dashboard.history.packing import PARTS, unpack
from dashboard.history.rollup import MINUTE_MS, TEN_MS, Joined, Piece, alone
from dashboard.history.series import HealthSeries, Marker, SharesSeries, StoredRows, joined_rows
from dashboard.history.tables import (
    APPROXIMATE,
    EVERYWHERE,
    LATE,
    UNDATED,
    devices,
    erasures,
    faces,
    health,
    label_sets,
    markers,
    minutes,
    received,
    sessions,
    statuses,
    windows,
)
from dashboard.live.earlier import LastKnown
from edge_agent.client.events import Device

_KINDS: Final = (windows, minutes, faces, health, statuses, markers)


def device_ids(connection: Connection) -> dict[Device, int]:
    """The numbers of all devices, by name."""
    rows = connection.execute(select(devices.c.site, devices.c.device, devices.c.id))
    return dict(sorted((Device(site, device), number) for site, device, number in rows))


def read_pieces(connection: Connection, device_id: int, start_ms: int, end_ms: int) -> list[Piece]:
    """All windows and minutes of a device that end after ``start_ms`` and at ``end_ms`` at the latest, in order."""
    labels = read_label_sets(connection)
    found = [
        minute_piece(row, labels)
        for row in connection.execute(
            select(minutes).where(MINUTES.within(device_id, start_ms, end_ms)).order_by(minutes.c.minute)
        )
    ]
    found += [
        window_piece(row, labels)
        for row in connection.execute(
            select(windows)
            .where(WINDOWS.within(device_id, start_ms, end_ms))
            .order_by(windows.c.at_ms, windows.c.session_id, windows.c.seq)
        )
    ]
    found.sort(key=lambda piece: piece.end_ms)
    return found


def read_label_sets(connection: Connection) -> dict[int, tuple[str, ...]]:
    """Names of expressions in the order of packed shares, by number of the set."""
    return {number: tuple(json.loads(text)) for number, text in connection.execute(select(label_sets))}


def window_piece(row: Any, labels: dict[int, tuple[str, ...]]) -> Piece:
    """A row of ``windows`` as a piece."""
    known = row.faces is not None
    late_ms = row.window_ms if row.flags & LATE else 0
    if not known:
        return Piece(row.at_ms, 0, row.window_ms, late_ms, 0, {}, row.flags)
    return Piece(row.at_ms, row.window_ms, 0, late_ms, row.faces * row.window_ms, _shares_of(row, labels), row.flags)


def minute_piece(row: Any, labels: dict[int, tuple[str, ...]]) -> Piece:
    """A row of ``minutes`` as a piece."""
    end_ms = (row.minute + 1) * MINUTE_MS
    faces_ms = row.faces_ms or 0
    return Piece(end_ms, row.open_ms, row.suppressed_ms, row.late_ms, faces_ms, _shares_of(row, labels), row.flags)


def _shares_of(row: Any, labels: dict[int, tuple[str, ...]]) -> dict[str, float]:
    if row.shares is None:
        return {}
    return dict(zip(labels.get(row.label_set, ()), unpack(row.shares), strict=False))


def read_shares(
    connection: Connection, device_id: int, start_ms: int, end_ms: int, step_s: float = 0.0
) -> SharesSeries:
    """The figures of a device.

    Args:
        connection: An open transaction.
        device_id: Its number.
        start_ms: Windows that end after this time, in milliseconds since 1970.
        end_ms: Windows that end at this time or before.
        step_s: Join windows to stretches of this many seconds; 0 to give each as it is stored.
    """
    if step_s:
        bucket_ms = round(step_s * 1000)
        joined = _read_joined(connection, device_id, start_ms, end_ms, bucket_ms)
        return _series((min((number + 1) * bucket_ms, end_ms), one) for number, one in sorted(joined.items()))
    return _series((piece.end_ms, alone(piece)) for piece in read_pieces(connection, device_id, start_ms, end_ms))


def _read_joined(
    connection: Connection, device_id: int, start_ms: int, end_ms: int, bucket_ms: int
) -> dict[int, Joined]:
    """Windows and minutes by stretch, added up as :func:`dashboard.history.rollup.join` does, but as whole columns.

    A lesson of a day has thousands of windows: one by one they would take half a second.
    """
    joined: dict[int, Joined] = {}
    labels: dict[int, tuple[str, ...]] = {}
    parts = [(columns, start_ms, end_ms) for columns in (WINDOWS, MINUTES)]
    first, last = -(-start_ms // TEN_MS) * TEN_MS, end_ms // TEN_MS * TEN_MS
    if bucket_ms % TEN_MS == 0 and first < last:  # whole ten minutes are added up already
        edges = [(start_ms, first), (last, end_ms)]
        parts = [(columns, *edge) for columns in (WINDOWS, MINUTES) for edge in edges if edge[0] < edge[1]]
        parts.append((TENS, first, last))
    for columns, part_start_ms, part_end_ms in parts:
        within = columns.within(device_id, part_start_ms, part_end_ms)
        # Whole numbers are divided alike by both databases, where neither is below zero.
        bucket = ((columns.end_ms - 1) - (columns.end_ms - 1) % bucket_ms) / bucket_ms
        number = cast(bucket, BigInteger).label("bucket")
        sums = [
            func.sum(column) for column in (columns.open_ms, columns.suppressed_ms, columns.late_ms, columns.faces_ms)
        ]
        flags = [func.max(columns.flags.op("&")(flag)) for flag in (UNDATED, APPROXIMATE)]
        for row in connection.execute(select(number, *sums, *flags).where(within).group_by(number)):
            one = joined.setdefault(int(row[0]), Joined())
            one.open_ms += int(row[1])
            one.suppressed_ms += int(row[2])
            one.late_ms += int(row[3])
            one.faces_ms += int(row[4])
            one.undated |= bool(row[5])
            one.approximate |= bool(row[6])
        with_shares = select(number, columns.label_set, columns.faces_ms, columns.shares)
        found = connection.execute(with_shares.where(within, columns.shares.is_not(None)))
        rows = found.cursor.fetchall()  # tuples: rows of SQLAlchemy would take twice as long
        if rows:
            labels = labels or read_label_sets(connection)
            _add_shares(joined, rows, labels, means=columns is TENS)
    return joined


def _add_shares(
    joined: dict[int, Joined],
    rows: Sequence[Any],
    labels: dict[int, tuple[str, ...]],
    *,
    means: bool,
) -> None:
    """Add up packed shares by stretch.

    Args:
        joined: By number of the stretch.
        rows: Number of the stretch, of the set of labels, face time and shares.
        labels: By number of the set.
        means: Whether shares are packed as means.
    """
    import numpy as np  # not at start: who only records needs none

    numbers, sets, faces_ms, packed = zip(*rows, strict=True)
    buckets, places = np.unique(np.array(numbers, dtype=np.int64), return_inverse=True)
    weights, kinds = np.array(faces_ms, dtype=np.float64), np.array(sets)
    for kind in np.unique(kinds).tolist():
        chosen = np.flatnonzero(kinds == kind)
        where, weight = places[chosen], weights[chosen]
        content = b"".join(packed[n] for n in chosen.tolist())
        parts = np.frombuffer(content, dtype="<f4" if means else "<u2").reshape(len(chosen), -1)
        names = labels[kind]
        sums = [np.bincount(where, weights=parts[:, n] * weight, minlength=len(buckets)) for n in range(len(names))]
        total = np.bincount(where, weights=weight, minlength=len(buckets))
        for place in np.unique(where).tolist():
            one = joined[int(buckets[place])]
            one.add_weight(float(total[place]))
            for name, values in zip(names, sums, strict=True):
                one.add_share(name, float(values[place]) / (1 if means else PARTS))


def _series(stretches: Iterable[tuple[int, Joined]]) -> SharesSeries:
    """The series of joined pieces, each with the time of its end."""
    series = SharesSeries()
    shares: list[dict[str, float]] = []
    for end_ms, joined in stretches:
        known = joined.open_ms > 0
        series.at.append(end_ms / 1000)
        series.window_s.append((joined.open_ms if known else joined.suppressed_ms) / 1000)
        series.faces.append(round(joined.faces_ms / joined.open_ms) if known else None)
        series.late.append(2 * joined.late_ms > joined.open_ms + joined.suppressed_ms)
        series.undated.append(joined.undated)
        series.approximate.append(joined.approximate)
        shares.append(joined.shares)
    for label in dict.fromkeys(label for one in shares for label in one):
        series.shares[label] = [one.get(label, 0.0) if one else None for one in shares]
    return series


def read_received(connection: Connection, since_ms: int) -> list[tuple[Device, str, str, list[tuple[int, int]]]]:
    """Which events are stored or were: device, session, topic and ranges of numbers.

    Args:
        connection: An open transaction.
        since_ms: Of sessions that were heard after this time.
    """
    found: dict[tuple[Device, str, str], list[tuple[int, int]]] = {}
    for row in connection.execute(
        select(
            devices.c.site, devices.c.device, sessions.c.session, received.c.topic, received.c.first, received.c.last
        )
        .join(sessions, sessions.c.device_id == devices.c.id)
        .join(received, received.c.session_id == sessions.c.id)
        .where(sessions.c.last_ms >= since_ms)
    ):
        key = Device(row.site, row.device), row.session, row.topic
        found.setdefault(key, []).append((row.first, row.last))
    return [(*key, ranges) for key, ranges in found.items()]


def read_markers(connection: Connection, device_id: int, start_ms: int, end_ms: int) -> list[Marker]:
    """What happened to a device, and what concerns all of them, from ``start_ms`` to ``end_ms``, in order."""
    rows = connection.execute(
        select(markers.c.at_ms, markers.c.kind, markers.c.text)
        .where(markers.c.device_id.in_((device_id, EVERYWHERE)))
        .where(markers.c.at_ms >= start_ms, markers.c.at_ms <= end_ms)
        .order_by(markers.c.at_ms, markers.c.id)
    )
    return [Marker(at_ms / 1000, kind, text) for at_ms, kind, text in rows]


def read_last_known(connection: Connection) -> dict[Device, LastKnown]:
    """What was known last of each device, and since when."""
    latest: dict[tuple[int, str], float] = {}
    kinds = ("online", "offline", "stale", "muted", "camera")
    query = select(markers.c.device_id, markers.c.kind, func.max(markers.c.at_ms)).where(markers.c.kind.in_(kinds))
    for device_id, kind, at_ms in connection.execute(query.group_by(markers.c.device_id, markers.c.kind)):
        latest[device_id, kind] = at_ms / 1000
    known = select(devices.c.site, devices.c.device, devices.c.id, devices.c.state, devices.c.muted, devices.c.camera)
    return {
        Device(row.site, row.device): LastKnown(
            state=row.state,
            state_at=latest.get((row.id, row.state), 0.0),
            muted=row.muted == 1,
            muted_at=latest.get((row.id, "muted"), 0.0),
            camera=row.camera,
            camera_at=latest.get((row.id, "camera"), 0.0),
        )
        for row in connection.execute(known)
    }


def read_broker_gone(connection: Connection) -> float:
    """Since when the broker is gone, where that was known last; else 0."""
    query = select(markers.c.kind, markers.c.at_ms).where(
        markers.c.device_id == EVERYWHERE, markers.c.kind.in_(("broker", "broker_back"))
    )
    last = connection.execute(query.order_by(markers.c.at_ms.desc(), markers.c.id.desc()).limit(1)).first()
    return last.at_ms / 1000 if last is not None and last.kind == "broker" else 0.0


def read_health(connection: Connection, device_id: int, start_ms: int, end_ms: int) -> HealthSeries:
    """The health reports of a device, in order."""
    series = HealthSeries()
    for row in connection.execute(
        select(health)
        .where(health.c.device_id == device_id, health.c.at_ms >= start_ms, health.c.at_ms <= end_ms)
        .order_by(health.c.at_ms)
    ):
        series.at.append(row.at_ms / 1000)
        series.fps.append(row.fps)
        series.latency_ms.append(row.latency_ms)
        series.temperature_c.append(row.temperature_c)
        series.pending.append(row.pending)
        series.camera.append(row.camera)
        series.muted.append(bool(row.muted))
        series.problems.append(tuple(filter(None, row.problems.split(","))))
    return series


def read_begin(connection: Connection, device_id: int) -> float | None:
    """Time of the first figures of a device, in seconds since 1970; ``None`` where there are none."""
    firsts = [
        (connection.scalar(select(func.min(columns.row)).where(columns.device_id == device_id)), columns.row_ms)
        for columns in (WINDOWS, MINUTES)
    ]
    return min((first * row_ms / 1000 for first, row_ms in firsts if first is not None), default=None)


def read_stored(connection: Connection) -> dict[Device | None, dict[str, StoredRows]]:
    """What is stored of each device, by kind; under ``None`` what concerns all of them."""
    names: dict[int, Device | None] = {number: device for device, number in device_ids(connection).items()}
    names[EVERYWHERE] = None
    found = {device: {table.name: StoredRows(0, None, None) for table in _KINDS} for device in names.values()}
    for table in _KINDS:
        by_minute = table is minutes
        column, unit = (table.c.minute, 60.0) if by_minute else (table.c.at_ms, 0.001)
        query = select(table.c.device_id, func.count(), func.min(column), func.max(column))
        for number, rows, first, last in connection.execute(query.group_by(table.c.device_id)):
            found[names.get(number)][table.name] = StoredRows(rows, first * unit, (last + by_minute) * unit)
    return found


def sum_stored(several: Iterable[dict[str, StoredRows]]) -> dict[str, StoredRows]:
    """What is stored of several devices together, by kind."""
    parts = list(several)
    return {table.name: joined_rows(kinds[table.name] for kinds in parts) for table in _KINDS}


def read_room_names(connection: Connection) -> dict[Device, str]:
    """What each device calls its room."""
    rows = connection.execute(select(devices.c.site, devices.c.device, devices.c.room))
    return dict(sorted((Device(site, device), room) for site, device, room in rows))


def read_last_erasure(connection: Connection) -> float | None:
    """When something was last erased."""
    erased_ms = connection.scalar(select(func.max(erasures.c.erased_ms)))
    return None if erased_ms is None else erased_ms / 1000
