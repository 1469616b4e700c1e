"""What the history gives out: series of figures, markers and overviews. Times are seconds since 1970 in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_agent.client.events import Device


@dataclass(frozen=True, slots=True)
class SharesSeries:
    """Figures of one room over time, one entry a stored window, in order. All lists have the same length.

    Where windows have been joined to minutes, an entry is a minute; ``window_s`` is then how much of it has figures.

    Attributes:
        at: End of each window.
        window_s: How long it lasted, in seconds.
        faces: Mean number of faces; ``None`` where suppressed.
        shares: Share of each expression, 0 to 1, by its name; ``None`` where suppressed and where nobody had one.
        late: Whether it came late.
        undated: Whether its device's clock said nothing usable, so that it has the time at which it came.
        approximate: Whether its device made the figures rough on purpose, so that they are no exact ones.
    """

    at: list[float] = field(default_factory=list)
    window_s: list[float] = field(default_factory=list)
    faces: list[int | None] = field(default_factory=list)
    shares: dict[str, list[float | None]] = field(default_factory=dict)
    late: list[bool] = field(default_factory=list)
    undated: list[bool] = field(default_factory=list)
    approximate: list[bool] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened.

    Attributes:
        at: When.
        kind: ``muted``, ``unmuted``, ``camera``, ``model``, ``online``, ``offline``, ``stale``, ``lost`` (events that
            will not come), ``broker`` (gone), ``broker_back``, ``recorder`` (it began or ended).
        text: More about it, in few words: a camera's state, the models, a reason, how many windows.
    """

    at: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class HealthSeries:
    """How a device was, one entry a stored report, in order.

    Attributes:
        at: When.
        fps: Frames a second.
        latency_ms: 95th percentile of a frame's time in milliseconds; ``None`` where withheld.
        temperature_c: Of the processor; ``None`` where it reports none.
        pending: Events that waited for the broker.
        camera: State of the camera.
        muted: Whether it was closed on request.
        problems: Words for what was wrong.
    """

    at: list[float] = field(default_factory=list)
    fps: list[float] = field(default_factory=list)
    latency_ms: list[float | None] = field(default_factory=list)
    temperature_c: list[float | None] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    camera: list[str] = field(default_factory=list)
    muted: list[bool] = field(default_factory=list)
    problems: list[tuple[str, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Of one kind of rows: how many there are, and the time of the oldest and newest; ``None`` where there are none."""

    rows: int
    since: float | None
    until: float | None


def joined_rows(several: Iterable[StoredRows]) -> StoredRows:
    """Rows of several kinds or devices together."""
    some = [one for one in several if one.rows]
    since = min((one.since for one in some if one.since is not None), default=None)
    until = max((one.until for one in some if one.until is not None), default=None)
    return StoredRows(sum(one.rows for one in some), since, until)


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept.

    Attributes:
        place: Where, without a password.
        size_bytes: How much it takes on the disk.
        rooms: How many devices have rows of any kind.
        kinds: By kind of rows: ``windows``, ``minutes``, ``faces``, ``health``, ``statuses``, ``markers``.
        devices: The same of each of these devices.
        erased_at: When something was last erased; ``None`` where that was never.
    """

    place: str
    size_bytes: int
    rooms: int
    kinds: dict[str, StoredRows]
    devices: dict[Device, dict[str, StoredRows]]
    erased_at: float | None
