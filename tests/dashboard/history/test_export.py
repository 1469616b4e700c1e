"""Tables for other programs: the same figures as on the page."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timezone

import pytest

from dashboard.history import SharesSeries
from dashboard.history.export import RoomSeries, as_csv, as_parquet
from edge_agent.client import Device

AT = datetime(2026, 11, 23, 9, 0, 5, tzinfo=timezone.utc)


def rooms(site: str = "north", label: str = "happy") -> list[RoomSeries]:
    series = SharesSeries(
        at=[AT.timestamp(), AT.timestamp() + 5, AT.timestamp() + 10],
        window_s=[5.0, 5.0, 2.5],
        faces=[20, None, 0],
        shares={label: [0.25, None, None], "uncertain": [0.75, None, None]},
        late=[False, True, False],
        undated=[False, False, True],
        approximate=[True, False, False],
    )
    return [RoomSeries(Device(site, "pi-3a"), "3a", series), RoomSeries(Device("south", "pi-1"), "", SharesSeries())]


def test_csv() -> None:
    read = list(csv.DictReader(io.StringIO(as_csv(rooms()))))
    assert read[0] == {
        "site": "north",
        "device": "pi-3a",
        "room": "3a",
        "end": "2026-11-23T09:00:05.000Z",
        "window_s": "5",
        "people": "20",
        "withheld": "0",
        "late": "0",
        "undated": "0",
        "approximate": "1",
        "share_happy": "0.2500",
        "share_uncertain": "0.7500",
    }
    assert (read[1]["people"], read[1]["share_happy"], read[1]["withheld"], read[1]["late"]) == ("", "", "1", "1")
    assert (read[2]["people"], read[2]["share_happy"], read[2]["withheld"], read[2]["undated"]) == ("0", "", "0", "1")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_csv_is_a_formula(name: str) -> None:
    cells = [cell for row in csv.reader(io.StringIO(as_csv(rooms(name, name)))) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
    assert f"'{name}" in cells


def test_parquet() -> None:
    reader = pytest.importorskip("arro3.io")
    table = reader.read_parquet(io.BytesIO(as_parquet(rooms()))).read_all()
    assert table["end"].to_pylist()[0] == AT
    assert table["people"].to_pylist() == [20, None, 0]
    assert table["approximate"].to_pylist() == [True, False, False]
    assert table["withheld"].to_pylist() == [False, True, False]
    assert table["share_happy"].to_pylist() == [0.25, None, None]
    assert table["site"].to_pylist() == ["north"] * 3


def test_nothing_is_an_empty_table() -> None:
    assert as_csv([]).count("\n") == 1
    assert as_parquet([]).startswith(b"PAR1")
