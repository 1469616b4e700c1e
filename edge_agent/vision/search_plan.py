"""When to search a frame for faces, and where: pure functions of what moved, what is in doubt, and the time.

Most frames of a seated class need no search: faces that are known are followed at a fraction of its cost. A whole frame
is searched at a steady rate; in between only where a face may have come or gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edge_agent.types import Box
from edge_agent.vision.motion import Look
from edge_agent.vision.region import Region

Kind = Literal["whole", "regions", "none"]
Reason = Literal["first", "gap", "settling", "due", "much", "moved", "doubt", "known"]
"""Why a frame is searched as it is: no frame before it, too long a gap, the rate, too much to look at for regions;
something moved, a face is in doubt; or nothing of all that."""

MIN_WHOLE_EVERY_S = 1.0
MAX_WHOLE_EVERY_S = 2.4
"""Whole frames are searched this often, by what a search costs on this processor."""

WHOLE_SHARE = 0.027
"""Share of one processor core that whole searches may take, within the limits above."""

MAX_GAP_S = 0.45
"""With frames further apart than this, faces are not followed but searched."""

_SETTLING_S = 0.25
"""How long after the first frame, or a gap, every frame is searched whole."""

_MUCH_MOVED = 0.35
_MUCH_PAUSE_S = 0.3
"""Where more than this share of a frame moves, a whole search comes as soon as this after the last one."""

_RETRY_S = 0.15
_MAX_RETRY_S = 1.2
"""A region that moves and shows no new face is searched again after the first, doubling up to the second."""

_EAGER_S = 0.6
_GROWN_PX = 24.0
"""A region at the left or right edge is searched in every frame for so long, and then whenever it reaches so much
further into the picture: who walks in is found when the face is in the picture, not at the next try."""

_MARGIN_PX = 40.0
_DOUBT_MARGIN = 0.9


@dataclass(frozen=True, slots=True)
class Tried:
    """A region that was searched because something moved there: where, since when, when last, and how long to wait."""

    region: Region
    since: float
    at: float
    pause_s: float


@dataclass(frozen=True, slots=True)
class SearchState:
    """What earlier searches leave for the next decision.

    Attributes:
        whole_at: Monotonic seconds of the last whole search; ``None`` before the first.
        settled_at: Until when every frame is searched whole, since nobody is known yet.
        whole_every_s: How often whole searches are due.
        tried: Regions that moved and were searched lately.
    """

    whole_at: float | None = None
    settled_at: float = 0.0
    whole_every_s: float = MIN_WHOLE_EVERY_S
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """What to search in a frame, and why.

    Attributes:
        kind: The whole frame, some regions, or nothing.
        reason: Why.
        regions: Which, most urgent first, in pixels of the frame.
    """

    kind: Kind
    reason: Reason
    regions: tuple[Region, ...] = ()

    def covers(self, box: Box) -> bool:
        """Whether a face in this place would have been found."""
        return self.kind == "whole" or any(region.holds(*box.center) for region in self.regions)


def plan(
    state: SearchState, look: Look, doubtful: Sequence[Box], size: tuple[int, int], max_area: float, now: float
) -> tuple[Search, SearchState]:
    """Decide about one frame.

    Args:
        state: What earlier decisions left.
        look: What moved.
        doubtful: Faces that could not be followed, were missed by the last search, or are not confirmed yet.
        size: Width and height of the frame in pixels.
        max_area: How many square pixels of the frame a search by regions may cover.
        now: Monotonic seconds of the frame.
    """
    if state.whole_at is None or look.gap_s is None or look.gap_s > MAX_GAP_S:
        return _whole(replace(state, settled_at=now + _SETTLING_S), "first" if state.whole_at is None else "gap", now)
    if now < state.settled_at:
        return _whole(state, "settling", now)
    since = now - state.whole_at
    if since >= state.whole_every_s:
        return _whole(state, "due", now)
    if look.moved_share > _MUCH_MOVED and since >= _MUCH_PAUSE_S:
        return _whole(state, "much", now)
    width, height = size
    wanted = [Region.around(box, _DOUBT_MARGIN).within(width, height) for box in doubtful]
    tried = tuple(one for one in state.tried if now - one.at < 2 * _MAX_RETRY_S)
    for area in look.moved:
        before = next((one for one in tried if _same_place(one.region, area)), None)
        at_side = area.left < _MARGIN_PX or area.right > width - _MARGIN_PX
        grown = at_side and before is not None and area.width > before.region.width + _GROWN_PX
        if before is not None and now - before.at < before.pause_s and not grown:
            continue
        region = Region(
            area.left - _MARGIN_PX, area.top - _MARGIN_PX, area.right + _MARGIN_PX, area.bottom + _MARGIN_PX
        ).within(width, height)
        wanted.append(region)
        tried_since = now if before is None else before.since
        if at_side and now - tried_since < _EAGER_S:
            pause_s = 0.0
        else:
            pause_s = min(_MAX_RETRY_S, max(_RETRY_S, 2 * before.pause_s)) if before is not None else _RETRY_S
        tried = (*(one for one in tried if one is not before), Tried(area, tried_since, now, pause_s))
    wanted = [region for region in _merged(wanted) if region.width >= 1 and region.height >= 1]
    if not wanted:
        return Search("none", "known"), replace(state, tried=tried)
    if sum(region.width * region.height for region in wanted) > max_area:
        if since >= _MUCH_PAUSE_S:
            return _whole(state, "much", now)
        if not doubtful:
            return Search("none", "known"), state
        wanted = _fitting(wanted, max_area)
    return Search("regions", "doubt" if doubtful else "moved", tuple(wanted)), replace(state, tried=tried)


def after_whole_search(state: SearchState, cost_s: float) -> SearchState:
    """Let the rate of whole searches follow what one costs: ``cost_s`` seconds of processor time."""
    every_s = min(MAX_WHOLE_EVERY_S, max(MIN_WHOLE_EVERY_S, cost_s / WHOLE_SHARE))
    return replace(state, whole_every_s=every_s)


def _whole(state: SearchState, reason: Reason, now: float) -> tuple[Search, SearchState]:
    return Search("whole", reason), replace(state, whole_at=now)


def _same_place(one: Region, other: Region) -> bool:
    x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
    return one.holds(x, y) or other.holds((one.left + one.right) / 2, (one.top + one.bottom) / 2)


def _merged(regions: Sequence[Region]) -> list[Region]:
    """Regions without overlaps of more than a little: what is searched once need not be searched twice."""
    kept: list[Region] = []
    for region in regions:
        now = region
        rest = []
        for other in kept:
            if _same_place(now, other):
                now = Region(
                    min(now.left, other.left),
                    min(now.top, other.top),
                    max(now.right, other.right),
                    max(now.bottom, other.bottom),
                )
            else:
                rest.append(other)
        kept = [*rest, now]
    return kept


def _fitting(regions: Sequence[Region], max_area: float) -> list[Region]:
    kept, area = [], 0.0
    for region in regions:
        more = region.width * region.height
        if area + more <= max_area:
            kept.append(region)
            area += more
    return kept
