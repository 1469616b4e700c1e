"""Following faces from frame to frame: a person keeps an id while moving, hidden for a moment, or crossing another.

Everything is decided from the detections and the time they are given; no clock is read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import TrackerSettings
from edge_agent.types import Box, Detection, TrackedFace
from edge_agent.vision.region import UNBOUNDED, Region

_STEADY_S = 0.15
"""How far back a face's place and size are averaged, in seconds: long enough to calm a detector's jitter."""

_HEADING_S = 0.3
"""How far back its speed is averaged, in seconds: jitter must not look like walking."""

_JITTER = 0.35
_TRUST = 0.8
"""A step of more sides than the first is no jitter: this share of it counts as speed at once."""

_MOMENTUM_S = 0.4
"""How long a hidden face is expected to go on moving as it did, in seconds."""

_REACH = 0.6
"""How far from where it is expected a face is recognised, in sides of its square, at once after it was seen."""

_REACH_PER_S = 1.5
_FIRST_REACH = 1.4
_FIRST_S = 0.2
"""The reach of a face that was found once, whose speed nobody knows, and for how long: twelve sides a second at ten
frames a second."""

_MAX_REACH = 1.5
"""The reach grows while a face is hidden, up to where a neighbour may sit."""

_MAX_GROWTH = 1.8
"""By how much a face's side may differ from what it was, as a ratio."""

_SURE_SCORE = 0.78
"""A face that was never found with this score, or leapt from its first place, has to be found once more."""

_OUT_S = 0.25
"""Who is expected beyond the frame's edge has left when unseen for this long."""

_MIN_FORGET_S = 0.7
_MIN_MISSES = 4
"""Nobody is given up sooner after they were last found, nor before so many searches have missed them."""

_FAINT_S = 1.0
"""A face that was missed as often as found is looked for this long after it was found."""

_SOUGHT_S = 0.5
_SOUGHT_EVERY_S = 0.25
"""A face that a search has missed is looked for in every frame this long, then this often."""

_SIZE_WEIGHT = 0.5
_HIDDEN_WEIGHT = 0.3
"""What a twofold size, and a second of hiding, count against a pairing, measured in sides of distance."""


@dataclass(frozen=True, slots=True)
class TrackUpdate:
    """Who is there after a frame.

    Attributes:
        present: Confirmed faces, hidden ones included until they are forgotten, in order of appearance.
        ended: Confirmed faces forgotten with this frame; each is reported once.
    """

    present: tuple[TrackedFace, ...]
    ended: tuple[TrackedFace, ...]


class Tracker:
    """Gives faces ids.

    A face is expected where it was heading, and the nearest detections are paired first; distance is measured in sides
    of the face and weighed together with the difference in size, and with how long the face has been hidden. Confirmed
    faces choose before new ones do, so a false detection beside a face cannot take its place.

    Args:
        settings: When a face counts as there, and when as gone.
        new_id: Gives an id never given before, for each face that is confirmed; see :func:`random_ids`.
    """

    def __init__(self, settings: TrackerSettings, new_id: Callable[[], str]) -> None:
        self._confirm_frames, self._forget_s, self._new_id = settings.confirm_frames, settings.forget_s, new_id
        self._confirmed: list[_Track] = []
        self._candidates: list[_Track] = []
        self._number = 0
        self._edges = UNBOUNDED
        self._updated_at = 0.0

    def followable(self, now: float) -> dict[str, tuple[Box, Box]]:
        """Faces that the last frame showed and no search has missed: where they were and are expected, by key.

        A face that was not seen in the last frame is not where it was any more: the wall there would be followed.
        """
        seen = [track for track in self._tracks() if not track.missed and track.seen_at == self._updated_at]
        return {track.key: (track.box(), track.expected_box(now)) for track in seen}

    def follow(self, boxes: Mapping[str, Box], now: float) -> None:
        """Move faces to where they were seen to go without a search.

        Args:
            boxes: By the keys of :meth:`followable`; faces left out could not be followed.
            now: Monotonic seconds of the frame.
        """
        for track in self._tracks():
            if track.key in boxes:
                track.move(boxes[track.key], now)

    def doubtful(self, now: float) -> list[Box]:
        """Where to look for faces that are not known to be where they were: not followed, missed, or not confirmed."""
        doubted = [track for track in self._confirmed if track.in_doubt(now)]
        doubted += [track for track in self._candidates if track.credit > 0 or track.in_doubt(now)]
        return [track.expected_box(now) for track in doubted]

    def update(
        self,
        detections: Sequence[Detection],
        now: float,
        covered: Callable[[Box], bool] = lambda _: True,
        edges: Region = UNBOUNDED,
    ) -> TrackUpdate:
        """Take in the faces of one frame.

        Args:
            detections: All that were found, in any order.
            now: Monotonic seconds of the frame; not before those of the call before.
            covered: Whether the frame was searched in a place: where it was not, nobody counts as missed.
            edges: The frame's: who was missed and is expected beyond them has left.
        """
        self._edges, self._updated_at = edges, now
        ended = self._forget(now)
        found = [detection for detection in detections if detection.box.side > 0]
        left = _follow(self._confirmed, found, now)
        left = _follow(self._candidates, left, now)
        searched = {track.key for track in self._tracks() if track.found_at == now or covered(track.expected_box(now))}
        for track in self._tracks():
            if track.key in searched and track.found_at != now:
                track.missed_at, track.misses = now, track.misses + 1
        self._settle_candidates(left, searched, now)
        ended += self._forget(now)

        return TrackUpdate(present=self._present(), ended=ended)

    def wait(self, now: float) -> TrackUpdate:
        """Let time pass without a frame: nobody counts as missed, and who was unseen for too long is forgotten."""
        ended = self._forget(now)
        return TrackUpdate(present=self._present(), ended=ended)

    def _forget(self, now: float) -> tuple[TrackedFace, ...]:
        gone = [track for track in self._tracks() if track.gone(now, self._forget_s, self._edges)]
        ended = [track for track in self._confirmed if track in gone]
        self._confirmed = [track for track in self._confirmed if track not in gone]
        self._candidates = [track for track in self._candidates if track not in gone]
        return tuple(track.face() for track in ended)

    def _tracks(self) -> list[_Track]:
        return [*self._confirmed, *self._candidates]

    def _next_key(self) -> str:
        self._number += 1
        return str(self._number)

    def _present(self) -> tuple[TrackedFace, ...]:
        return tuple(track.face() for track in self._confirmed)

    def _settle_candidates(self, unknown: Sequence[Detection], searched: Container[str], now: float) -> None:
        """Confirm candidates found often enough, drop those missed as often as found, add the faces nobody knows."""
        for track in self._candidates:
            if track.key in searched:
                track.credit = max(0, track.credit + (1 if track.found_at == now else -1))
        candidates = [*self._candidates, *(_Track(face, now, self._next_key()) for face in unknown)]
        for track in candidates:
            if track.credit >= self._confirm_frames + (track.score < _SURE_SCORE or track.leapt):
                track.id = self._new_id()
                self._confirmed.append(track)
        self._candidates = [
            track for track in candidates if not track.id and (track.credit > 0 or now - track.found_at <= _FAINT_S)
        ]


class _Track:
    """One face: where it is, how fast it moves, since when and until when it was seen."""

    __slots__ = (
        "credit",
        "first_seen_at",
        "found_at",
        "id",
        "key",
        "leapt",
        "missed_at",
        "misses",
        "score",
        "seen_at",
        "side",
        "vx",
        "vy",
        "x",
        "y",
    )

    def __init__(self, detection: Detection, now: float, key: str) -> None:
        self.x, self.y = detection.box.center
        self.side = detection.box.side
        self.vx = self.vy = 0.0
        self.first_seen_at = self.seen_at = self.found_at = self.missed_at = now
        self.id, self.key, self.credit = "", key, 1
        self.misses, self.score, self.leapt = 0, detection.score, False

    @property
    def missed(self) -> bool:
        """Whether the last search of its place did not find it."""
        return self.misses > 0

    def gone(self, now: float, forget_s: float, edges: Region) -> bool:
        """Whether it has been out of sight, or missed by searches, for too long.

        Who was there for a moment only is waited for no longer than that, and who walked out of the picture not at all.
        """
        if now - self.seen_at > forget_s:
            return True
        x, y, _ = self.expected(now)
        if not edges.holds(x, y):
            return now - self.seen_at > _OUT_S
        if self.misses < _MIN_MISSES:
            return False
        known_s = self.found_at - self.first_seen_at
        return now - self.found_at > min(forget_s, max(_MIN_FORGET_S, 2 * known_s))

    def in_doubt(self, now: float) -> bool:
        """Whether to look for it: at every frame at first, less often when it stays away."""
        if not self.missed:
            return self.seen_at != now
        return now - self.found_at < _SOUGHT_S or now - self.missed_at >= _SOUGHT_EVERY_S

    def box(self) -> Box:
        """Where it was last seen."""
        return Box(self.x - self.side / 2, self.y - self.side / 2, self.side)

    def expected_box(self, now: float) -> Box:
        """Where it is expected."""
        x, y, side = self.expected(now)
        return Box(x - side / 2, y - side / 2, side)

    def expected(self, now: float) -> tuple[float, float, float]:
        """``(x, y, side)`` at a time after it was last seen; a hidden face is expected to come to rest."""
        ahead = _MOMENTUM_S * (1.0 - math.exp(-(now - self.seen_at) / _MOMENTUM_S))
        return self.x + self.vx * ahead, self.y + self.vy * ahead, self.side

    def see(self, detection: Detection, now: float) -> None:
        """Move on with a detection.

        A g-h filter with fading memory (Brookner 1998, ch. 1.2.6), with times instead of frame counts: frames that come
        rarely weigh more than frames that come often.
        """
        box = detection.box
        fading = math.exp(-max(now - self.found_at, 1e-3) / _STEADY_S)
        x, y, side = self.expected(now)
        off_x, off_y = box.center[0] - x, box.center[1] - y
        self.x, self.y = x + (1 - fading**2) * off_x, y + (1 - fading**2) * off_y
        if self.found_at == self.first_seen_at and math.hypot(off_x, off_y) > _REACH * self.side:
            self.leapt = True
        if self.seen_at != now:  # a face that was followed here has its speed already
            self._turn(off_x, off_y, now)
        self.side = side + (1 - fading) * (box.side - side)
        self.seen_at = self.found_at = now
        self.misses = 0
        self.score = max(self.score, detection.score)

    def move(self, box: Box, now: float) -> None:
        """Move on without a detection, to where it was seen to go."""
        x, y, _ = self.expected(now)
        self._turn(box.center[0] - x, box.center[1] - y, now)
        self.x, self.y = box.center
        self.side = box.side
        self.seen_at = now

    def face(self) -> TrackedFace:
        return TrackedFace(self.id, self.box(), self.first_seen_at, self.seen_at)

    def _turn(self, off_x: float, off_y: float, now: float) -> None:
        elapsed = max(now - self.seen_at, 1e-3)
        turning = (1 - math.exp(-elapsed / _HEADING_S)) ** 2 / elapsed
        surprise = min(1.0, max(0.0, (math.hypot(off_x, off_y) / self.side - _JITTER) / _JITTER))
        turning += surprise * max(0.0, _TRUST / elapsed - turning)
        self.vx, self.vy = self.vx + turning * off_x, self.vy + turning * off_y


def _follow(tracks: Sequence[_Track], found: Sequence[Detection], now: float) -> list[Detection]:
    """Move tracks on to the faces that suit them best, best pair first; the faces that suit none come back."""
    if not tracks or not found:
        return list(found)
    costs = _costs(tracks, [detection.box for detection in found], now)
    free_tracks, free_boxes = [True] * len(tracks), [True] * len(found)
    rows, columns = np.nonzero(np.isfinite(costs))
    for pair in np.argsort(costs[rows, columns], kind="stable"):
        row, column = int(rows[pair]), int(columns[pair])
        if free_tracks[row] and free_boxes[column]:
            free_tracks[row] = free_boxes[column] = False
            tracks[row].see(found[column], now)
    return [detection for detection, free in zip(found, free_boxes, strict=True) if free]


def _costs(tracks: Sequence[_Track], boxes: Sequence[Box], now: float) -> NDArray[np.float64]:
    """How badly each track and box suit each other, ``(tracks, boxes)``, in sides; infinite where they cannot pair.

    Overlap would rank the same for squares of one size, and says nothing about faces that moved further than a side.
    Who was missed is expected where they were heading, and also where they were last seen: who bends down comes up.
    """
    expected = np.array([track.expected(now) for track in tracks])
    given = np.array([(*box.center, box.side) for box in boxes])
    hidden_s = np.array([now - track.seen_at for track in tracks])[:, None]
    sides = (expected[:, None, 2] + given[None, :, 2]) / 2
    last = np.array([(track.x, track.y) if track.missed else track.expected(now)[:2] for track in tracks])
    ahead, behind = (
        np.hypot(place[:, None, 0] - given[None, :, 0], place[:, None, 1] - given[None, :, 1])
        for place in (expected, last)
    )
    distance = np.minimum(ahead, behind) / sides
    growth = np.abs(np.log2(expected[:, None, 2] / given[None, :, 2]))
    reach = np.minimum(_REACH + _REACH_PER_S * hidden_s, _MAX_REACH)
    once = np.array([track.found_at == track.first_seen_at for track in tracks])[:, None] & (hidden_s <= _FIRST_S)
    reach = np.where(once, np.maximum(reach, _FIRST_REACH), reach)
    possible = (distance <= reach) & (growth <= math.log2(_MAX_GROWTH))
    return np.where(possible, distance + _SIZE_WEIGHT * growth + _HIDDEN_WEIGHT * hidden_s, np.inf)


_LETTERS = "bcdfghjkmnpqrstvwxz"
_DIGITS = "23456789"


def random_ids(rng: random.Random | None = None) -> Callable[[], str]:
    """A source of short random ids such as ``k7q2``, each given once.

    Letters and digits take turns, without vowels and look-alikes, so that no id is a word or mistaken for another. Ids
    grow by two characters when half of those of a length are used up.

    Args:
        rng: Where chance comes from; the operating system where not given.
    """
    chance = rng or random.SystemRandom()
    pair = len(_LETTERS) * len(_DIGITS)
    used: set[str] = set()
    pairs = 2

    def new_id() -> str:
        nonlocal pairs
        if len(used) >= pair**pairs // 2:
            pairs += 1
        while True:
            made = "".join(chance.choice(_LETTERS) + chance.choice(_DIGITS) for _ in range(pairs))
            if made not in used:
                used.add(made)
                return made

    return new_id
