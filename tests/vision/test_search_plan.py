"""When a frame is searched, and where: decisions from numbers and times alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from edge_agent.types import Box
from edge_agent.vision.motion import Look
from edge_agent.vision.region import Region
from edge_agent.vision.search_plan import (
    MAX_WHOLE_EVERY_S,
    MIN_WHOLE_EVERY_S,
    Search,
    SearchState,
    after_whole_search,
    plan,
)

SIZE = (1280, 720)
AREA = 200_000.0
STILL = Look(gap_s=0.1, moved=(), moved_share=0.0)
SOMEBODY = Region(400, 200, 480, 300)
SETTLED = SearchState(whole_at=100.0, settled_at=100.0)


def decide(
    state: SearchState, now: float, look: Look = STILL, doubtful: tuple[Box, ...] = ()
) -> tuple[Search, SearchState]:
    return plan(state, look, doubtful, SIZE, AREA, now)


def moved(*regions: Region, share: float = 0.01) -> Look:
    return Look(gap_s=0.1, moved=regions, moved_share=share)


def test_the_first_frame_and_those_soon_after_it_are_searched_whole() -> None:
    first, state = decide(SearchState(), 100.0, Look(gap_s=None, moved=(), moved_share=0.0))
    second, state = decide(state, 100.1)
    third, state = decide(state, 100.2)
    assert [search.reason for search in (first, second, third)] == ["first", "settling", "settling"]
    assert decide(state, 100.3)[0] == Search("none", "known")


def test_nothing_is_searched_while_nobody_moves_and_the_rate_is_kept() -> None:
    assert decide(SETTLED, 100.5)[0] == Search("none", "known")


def test_a_whole_search_is_due_at_a_steady_rate() -> None:
    state, whole = SETTLED, []
    for frame in range(1, 51):
        search, state = decide(state, 100.0 + frame / 10)
        if search.kind == "whole":
            whole.append(frame)
    assert whole == [10, 20, 30, 40, 50]


@pytest.mark.parametrize("gap_s", [None, 0.5, 3.0])
def test_after_a_gap_between_frames_the_whole_frame_is_searched(gap_s: float | None) -> None:
    search, _ = decide(SETTLED, 100.5, Look(gap_s=gap_s, moved=(), moved_share=0.0))
    assert (search.kind, search.reason) == ("whole", "gap")


def test_where_something_moved_its_region_is_searched_at_once_with_a_margin() -> None:
    search, _ = decide(SETTLED, 100.5, moved(SOMEBODY))
    assert (search.kind, search.reason, len(search.regions)) == ("regions", "moved", 1)
    region = search.regions[0]
    assert region.left < SOMEBODY.left
    assert region.top < SOMEBODY.top
    assert region.right > SOMEBODY.right
    assert region.bottom > SOMEBODY.bottom


def test_a_curtain_that_never_stops_moving_is_searched_ever_more_rarely() -> None:
    state, searched = replace(SETTLED, whole_every_s=100.0), []
    for frame in range(1, 61):
        search, state = decide(state, 100.0 + frame / 10, moved(SOMEBODY))
        if search.kind == "regions":
            searched.append(frame)
    assert searched[0] == 1
    assert len(searched) < 12
    pauses = [later - before for before, later in pairwise(searched)]
    assert pauses[0] <= 2
    assert min(pauses[-3:]) >= 10


@pytest.mark.parametrize("side", [Region(0, 200, 60, 300), Region(1210, 200, 1280, 300)], ids=["left", "right"])
def test_who_walks_in_at_a_side_is_looked_for_in_every_frame_and_a_curtain_there_only_at_first(side: Region) -> None:
    state, searched = replace(SETTLED, whole_every_s=100.0), []
    for frame in range(1, 61):
        search, state = decide(state, 100.0 + frame / 10, moved(side))
        if search.kind == "regions":
            searched.append(frame)
    assert searched[:6] == [1, 2, 3, 4, 5, 6]
    assert len(searched) < 6 + 12
    assert min(later - before for before, later in pairwise(searched[-4:])) >= 10


def test_who_comes_in_where_somebody_has_just_left_is_looked_for_as_they_come() -> None:
    state, searched = replace(SETTLED, whole_every_s=100.0), []
    for frame in range(1, 31):
        inside = 60 if frame < 20 else 60 + 30 * (frame - 20)
        search, state = decide(state, 100.0 + frame / 10, moved(Region(0, 200, inside, 300)))
        if search.kind == "regions":
            searched.append(frame)
    assert {21, 22, 23, 24} <= set(searched)


def test_a_face_in_doubt_is_looked_for_where_it_is_expected() -> None:
    search, _ = decide(SETTLED, 100.5, doubtful=(Box(600, 300, 80),))
    assert (search.kind, search.reason) == ("regions", "doubt")
    assert search.covers(Box(620, 310, 80))
    assert not search.covers(Box(100, 100, 80))


def test_regions_end_at_the_frames_edge() -> None:
    search, _ = decide(SETTLED, 100.5, doubtful=(Box(-20, 680, 80),))
    region = search.regions[0]
    assert (region.left, region.bottom) == (0.0, 720.0)


def test_overlapping_regions_are_searched_once() -> None:
    search, _ = decide(SETTLED, 100.5, moved(SOMEBODY), doubtful=(Box(400, 200, 80),))
    assert len(search.regions) == 1


def test_much_movement_brings_a_whole_search_forward_but_not_in_every_frame() -> None:
    assert decide(SETTLED, 100.4, moved(SOMEBODY, share=0.6))[0].reason == "much"
    assert decide(SETTLED, 100.1, moved(share=0.6))[0].kind == "none"


def test_more_regions_than_may_be_searched_make_a_whole_search() -> None:
    crowd = tuple(Box(100.0 * column, 100.0 * row, 90) for column in range(12) for row in range(7))
    assert decide(SETTLED, 100.5, doubtful=crowd)[0].reason == "much"


def test_shortly_after_a_whole_search_as_many_regions_are_searched_as_fit() -> None:
    crowd = tuple(Box(160.0 * column, 300.0, 60) for column in range(8))
    search, _ = plan(SETTLED, STILL, crowd, SIZE, 60_000.0, 100.1)
    assert search.kind == "regions"
    assert 1 <= len(search.regions) < 8


CROWD = (Region(150, 150, 500, 550), Region(560, 100, 900, 600), Region(950, 200, 1200, 600))


def test_more_that_moves_than_may_be_searched_makes_whole_searches_with_a_pause_between_them() -> None:
    state, whole = SETTLED, []
    for frame in range(1, 301):
        search, state = decide(state, 100.0 + frame / 15, moved(*CROWD, share=0.2))
        if search.kind == "whole":
            whole.append(frame)
    assert whole[0] == 5
    assert {later - before for before, later in pairwise(whole)} == {5}


def test_shortly_after_a_whole_search_more_that_moves_than_may_be_searched_waits() -> None:
    search, state = decide(SETTLED, 100.1, moved(*CROWD, share=0.2))
    assert search == Search("none", "known")
    assert decide(state, 100.35, moved(*CROWD, share=0.2))[0].reason == "much"


def test_shortly_after_a_whole_search_faces_in_doubt_come_before_more_that_moves_than_may_be_searched() -> None:
    doubtful = Box(10, 600, 80)
    search, _ = decide(SETTLED, 100.1, moved(*CROWD, share=0.2), doubtful=(doubtful,))
    assert (search.kind, search.reason) == ("regions", "doubt")
    assert search.covers(doubtful)


@pytest.mark.parametrize("side", [Region(0, 200, 60, 300), Region(1220, 200, 1280, 300)], ids=["left", "right"])
def test_who_walks_in_at_a_side_while_a_crowd_moves_waits_no_longer_than_the_next_whole_search(side: Region) -> None:
    _, state = decide(SETTLED, 100.1, moved(*CROWD, side, share=0.2))
    _, state = decide(state, 100.2, moved(*CROWD, side, share=0.2))
    assert decide(state, 100.35, moved(*CROWD, side, share=0.2))[0].kind == "whole"
    assert decide(state, 100.35, moved(side))[0].kind == "regions"


def test_everywhere_is_covered_by_a_whole_search_and_nothing_by_none() -> None:
    somewhere = Box(10, 10, 40)
    assert Search("whole", "due").covers(somewhere)
    assert not Search("none", "known").covers(somewhere)


@pytest.mark.parametrize(
    ("cost_s", "every_s"), [(0.001, MIN_WHOLE_EVERY_S), (0.04, 0.04 / 0.027), (5.0, MAX_WHOLE_EVERY_S)]
)
def test_the_rate_of_whole_searches_follows_their_cost_within_limits(cost_s: float, every_s: float) -> None:
    assert after_whole_search(SETTLED, cost_s).whole_every_s == pytest.approx(every_s)
