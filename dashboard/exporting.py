"""``edge-agent export``: which rooms, from when to when, and in which form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

from dashboard.history.export import RoomSeries, as_csv, as_parquet
from dashboard.history.store import History
from edge_agent.client.events import Device
from edge_agent.errors import InputError
from edge_agent.files import replace_file

Form = Literal["csv", "parquet"]


_MAX_NAMED = 10
"""So many rooms are named where a room is unknown."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A file's content, and how many rows of figures it has."""

    content: bytes
    rows: int


def export(
    history: History, rooms: Sequence[str], start: float, end: float, form: Form, step_s: float = 0.0
) -> Exported:
    """The figures of rooms as a file's content.

    Args:
        history: Where they are kept.
        rooms: ``SITE/DEVICE``, a device's id, or what a device calls its room; none for all.
        start: From when, in seconds since 1970.
        end: To when.
        form: Of the file.
        step_s: Join windows to stretches of so many seconds; 0 to join none.

    Raises:
        InputError: There is no such room, or several have the name, or the end is before the begin.
        MissingExtra: Parquet needs the extra ``parquet``.
        DatabaseError: The history cannot be read.
    """
    if end <= start:
        raise InputError("--to", received="a time that is not after --from", expected="a later time")
    names = history.room_names()
    chosen = list(dict.fromkeys(_find(room, names) for room in rooms)) if rooms else list(names)
    found = [RoomSeries(device, names[device], history.shares(device, start, end, step_s)) for device in chosen]
    content = as_parquet(found) if form == "parquet" else as_csv(found).encode()
    return Exported(content, sum(len(one.series.at) for one in found))


def read_time(text: str, option: str, zone: tzinfo, *, end: bool = False) -> float:
    """A time that somebody typed, in seconds since 1970.

    Args:
        text: ISO 8601: a date, or a date and a time, with an offset or in the school's time zone.
        option: Where it was typed.
        zone: The school's time zone.
        end: Whether a date stands for its end.

    Raises:
        InputError: It is no such time.
    """
    try:
        at = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        if len(text.strip()) <= len("2026-11-23") and end:
            at += timedelta(days=1)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise InputError(option, received=repr(text), expected="2026-11-23 or 2026-11-23T08:00") from None


def write(content: bytes, out: Path) -> None:
    """Write a file whole, or leave what is there.

    Raises:
        InputError: It cannot be written.
    """
    try:
        replace_file(out, content)
    except OSError as error:
        raise InputError(f"--out {out}", received=error.strerror or str(error), expected="a file to write") from None


def _find(room: str, names: dict[Device, str]) -> Device:
    wanted = room.strip().casefold()
    for texts in (
        {device: f"{device.site}/{device.id}" for device in names},
        {device: device.id for device in names},
        names,
    ):
        found = [device for device, text in texts.items() if text.casefold() == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            several = _named(found)
            raise InputError(f"--room {room}", received=f"a name of several: {several}", expected="one of them")
    known = f"one of: {_named(list(names))}" if names else "rooms to be recorded first"
    raise InputError(f"--room {room}", received="a room of which nothing is stored", expected=known)


def _named(devices: Sequence[Device]) -> str:
    """The first devices, and how many there are besides."""
    named = ", ".join(f"{device.site}/{device.id}" for device in devices[:_MAX_NAMED])
    more = len(devices) - _MAX_NAMED
    return f"{named} and {more} more" if more > 0 else named
