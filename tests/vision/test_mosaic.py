"""Regions side by side on one canvas."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.vision.box_calibration import RawFace
from edge_agent.vision.mosaic import CANVAS_SIDES_PX, Tile, arrange, draw
from edge_agent.vision.region import Region

REGIONS = st.builds(
    lambda left, top, width, height: Region(left, top, left + width, top + height),
    st.integers(0, 900),
    st.integers(0, 400),
    st.integers(1, 380),
    st.integers(1, 320),
)


def overlap(one: Tile, other: Tile) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@given(st.lists(REGIONS, max_size=12), st.floats(0.3, 1.0))
def test_tiles_lie_on_the_canvas_and_apart(regions: list[Region], scale: float) -> None:
    side, tiles = arrange(regions, scale)
    assert side in CANVAS_SIDES_PX
    assert all(tile.x + tile.width <= side and tile.y + tile.height <= side for tile in tiles)
    assert not any(overlap(one, other) for one, other in itertools.combinations(tiles, 2))
    assert {tile.region for tile in tiles} <= set(regions)


@given(st.lists(REGIONS, min_size=1, max_size=12), st.floats(0.3, 1.0))
def test_the_most_urgent_region_always_finds_room(regions: list[Region], scale: float) -> None:
    assert regions[0] in [tile.region for tile in arrange(regions, scale)[1]]


def test_where_room_is_short_urgent_regions_come_before_high_ones() -> None:
    doubtful, small = Region(0, 0, 300, 115), Region(600, 0, 700, 150)
    high = [Region(0, 300, 150, 500), Region(400, 300, 550, 500)]
    assert {tile.region for tile in arrange([doubtful, *high, small], 1.0)[1]} == {doubtful, small}


def test_few_small_regions_take_the_small_canvas() -> None:
    assert arrange([Region(0, 0, 100, 100)], 1.0)[0] == CANVAS_SIDES_PX[0]
    assert arrange([Region(0, 0, 300, 100)], 1.0)[0] == CANVAS_SIDES_PX[-1]


def test_a_region_larger_than_the_canvas_is_shrunk_onto_it() -> None:
    side, (tile,) = arrange([Region(0, 0, 1280, 720)], 1.0)
    assert (tile.width, tile.height) == (side, 180)


def test_a_face_on_a_tile_is_reported_in_pixels_of_the_frame() -> None:
    _, tiles = arrange([Region(100, 50, 300, 250), Region(700, 400, 800, 500)], 0.5)
    for tile in tiles:
        middle = RawFace(tile.x + tile.width / 4, tile.y + tile.height / 4, tile.width / 2, tile.height / 2)
        face = tile.to_frame(middle)
        region = tile.region
        assert face.center == pytest.approx(((region.left + region.right) / 2, (region.top + region.bottom) / 2))
        assert face.width == pytest.approx(region.width / 2)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_canvas_shows_each_region_at_its_place(channels: tuple[int, ...]) -> None:
    frame = np.zeros((200, 300, *channels), np.uint8)
    frame[50:100, 60:120] = 200
    side, tiles = arrange([Region(60, 50, 120, 100)], 1.0)
    canvas = draw(frame, side, tiles)
    assert canvas.shape == (side, side, *channels)
    assert (canvas[tiles[0].y : tiles[0].y + 50, tiles[0].x : tiles[0].x + 60] == 200).all()
    assert draw(frame, None, tiles).shape == (50, 60, *channels)
