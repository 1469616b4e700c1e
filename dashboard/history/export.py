"""What a chart shows, as a table for other programs: CSV for spreadsheets, Parquet for data analysis."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any, Final

from dashboard.history.series import SharesSeries
from edge_agent.client.events import Device
from edge_agent.clock import utc_text
from edge_agent.extras import needs_extra

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for the begin of a formula."""


@dataclass(frozen=True, slots=True)
class RoomSeries:
    """The figures of one room."""

    device: Device
    room: str
    series: SharesSeries


def as_csv(rooms: list[RoomSeries]) -> str:
    """A row a window: when it ended, in UTC; how long it was; people; and each expression's share.

    Cells are empty where figures were withheld. Columns: ``site``, ``device``, ``room``, ``end``, ``window_s``,
    ``people``, ``withheld``, ``late``, ``undated``,
    ``approximate``, then ``share_`` and the expression's name.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    names = _names(rooms)
    writer.writerow([*_COLUMNS, *(_harmless(f"share_{name}") for name in names)])
    for one in rooms:
        series = one.series
        who = [_harmless(text) for text in (one.device.site, one.device.id, one.room)]
        columns = [series.shares.get(name) for name in names]
        withheld = [people is None for people in series.faces]
        for place, at in enumerate(series.at):
            people = series.faces[place]
            shares = ["" if column is None or column[place] is None else f"{column[place]:.4f}" for column in columns]
            writer.writerow(
                [
                    *who,
                    utc_text(at),
                    f"{series.window_s[place]:g}",
                    "" if people is None else people,
                    *(int(flags[place]) for flags in (withheld, series.late, series.undated, series.approximate)),
                    *shares,
                ]
            )
    return out.getvalue()


def as_parquet(rooms: list[RoomSeries]) -> bytes:
    """The same as :func:`as_csv`, with typed columns; ``end`` is a time in UTC.

    Raises:
        MissingExtra: The extra ``parquet`` is not installed.
    """
    with needs_extra("parquet"):
        from arro3.core import Array, DataType, Table
        from arro3.io import write_parquet
    each = [(one, place) for one in rooms for place in range(len(one.series.at))]
    text, number, flag = DataType.string(), DataType.float64(), DataType.bool()
    ends = Array([round(one.series.at[place] * 1000) for one, place in each], DataType.int64())
    columns: dict[str, Any] = {
        "site": Array([one.device.site for one, _ in each], text),
        "device": Array([one.device.id for one, _ in each], text),
        "room": Array([one.room for one, _ in each], text),
        "end": ends.cast(DataType.timestamp("ms", tz="UTC")),
        "window_s": Array([one.series.window_s[place] for one, place in each], number),
        "people": Array([one.series.faces[place] for one, place in each], DataType.int32()),
        "withheld": Array([one.series.faces[place] is None for one, place in each], flag),
        "late": Array([one.series.late[place] for one, place in each], flag),
        "undated": Array([one.series.undated[place] for one, place in each], flag),
        "approximate": Array([one.series.approximate[place] for one, place in each], flag),
    }
    for name in _names(rooms):
        shares = (one.series.shares.get(name) for one, _ in each)
        values = [None if column is None else column[place] for column, (_, place) in zip(shares, each, strict=True)]
        columns[f"share_{name}"] = Array(values, number)
    out = io.BytesIO()
    write_parquet(Table.from_pydict(columns), out)
    return out.getvalue()


_COLUMNS: Final = ("site", "device", "room", "end", "window_s", "people", "withheld", "late", "undated", "approximate")


def _names(rooms: list[RoomSeries]) -> list[str]:
    return sorted({name for one in rooms for name in one.series.shares})


def _harmless(text: str) -> str:
    """A text from a device, so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text
