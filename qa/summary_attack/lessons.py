"""Simulated lessons: what the pupils of a class show, and what one more pupil shows under two hypotheses."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import RestingFaceSettings, TrackerSettings
from edge_agent.model_format.labels import FER2013, UNCERTAIN

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS: Final = (*FER2013, UNCERTAIN)
TYPICAL_SHARES: Final = np.array([0.04, 0.01, 0.03, 0.20, 0.07, 0.05, 0.45, 0.15])
"""How often each label is seen in a class."""
HAPPY, NEUTRAL_LABEL = LABELS.index("happy"), LABELS.index("neutral")
_OWN_WAY: Final = 20.0
"""How alike pupils are: the sum of the Dirichlet distribution's parameters from which their own rates come."""

LESSON_S: Final = 2700
WINDOW_S: Final = 5
WINDOWS: Final = LESSON_S // WINDOW_S
EMPTY_WINDOWS: Final = 60
"""For so long the device runs before the lesson and after it."""
_DWELL_S, _SEEN_S, _HIDDEN_S = 20.0, 80.0, 8.0
_ARRIVE_S, _LEAVE_S = 300, 120
_SPELLS: Final = 250
"""More spells than a lesson has room for: the shortest ones last 20 seconds on average."""

SECRETS: Final = {
    "present": "was there and like the others, or was not there",
    "present_happy": "was there and happy all the time, or was not there",
    "late": "came after 15 minutes, or in time; happy most of the time",
    "left": "left after 30 minutes, or stayed; happy most of the time",
    "happy": "was happy all the time, or neutral all the time",
    "happier": "was happy for 70 % of the time, or as often as the others",
    "turned": "was happy in the second half and neutral in the first, or the other way round",
    "joined": "was happy while the class was, or neutral meanwhile",
}
MOODS: Final = {
    "none": "the class is as always",
    "swing": "three of four are happy for ten minutes",
    "half": "three of four are happy in the first half, or in the second",
    "restless": "three of four are happy in every other five minutes",
}


def pupils(rng: np.random.Generator, rates: Floats) -> Ints:
    """What pupils show in each second of a lesson.

    Args:
        rng: Draws.
        rates: How often each of them shows each label, ``(pupils, labels)``.

    Returns:
        ``(pupils, seconds)``: an index into :data:`LABELS`, -1 where unseen.
    """
    places = rng.random((len(rates), _SPELLS, 1))
    shown = (places > np.cumsum(rates, axis=1)[:, None, :-1]).sum(2)
    seen = _laid_out(shown, rng.exponential(np.full(shown.shape, _DWELL_S)))
    hidden = np.broadcast_to(np.arange(_SPELLS) % 2, shown.shape)
    return np.where(_laid_out(hidden, rng.exponential(np.where(hidden == 1, _HIDDEN_S, _SEEN_S))) == 1, -1, seen)


def _laid_out(values: Ints, lengths_s: Floats) -> Ints:
    """Values one after the other in time, each for its length; ``(pupils, spells)`` to ``(pupils, seconds)``."""
    ends = np.minimum(np.cumsum(lengths_s.round().astype(np.int64), axis=1), LESSON_S)
    ends[:, -1] = LESSON_S
    laid: Ints = np.repeat(values.ravel(), np.diff(ends, axis=1, prepend=0).ravel()).reshape(len(values), LESSON_S)
    return laid


def rates(rng: np.random.Generator, pupils: int, typical: Floats = TYPICAL_SHARES) -> Floats:
    """How often each pupil shows each label, ``(pupils, labels)``; ``typical`` is how often all do."""
    own: Floats = rng.dirichlet(typical * _OWN_WAY, pupils)
    return own


def merrier(happy: float) -> Floats:
    """How often each label is seen in a class that is happy so often instead of neutral."""
    shares: Floats = TYPICAL_SHARES.copy()
    shares[NEUTRAL_LABEL] += shares[HAPPY] - happy
    shares[HAPPY] = happy
    return shares


def the_others(rng: np.random.Generator, group: int, typical: Floats = TYPICAL_SHARES) -> Ints:
    """What the others show, ``(group, seconds)``. They come within five minutes and leave within two."""
    seconds = np.arange(LESSON_S)
    room = pupils(rng, rates(rng, group, typical))
    comes, goes = rng.uniform(0, _ARRIVE_S, group), LESSON_S - rng.uniform(0, _LEAVE_S, group)
    room[(seconds < comes[:, None]) | (seconds >= goes[:, None])] = -1
    return room


def in_a_mood(rng: np.random.Generator, room: Ints, mood: str) -> tuple[Ints, NDArray[np.bool_]]:
    """The same pupils, of whom three of four are happy at times; and the seconds in which they are."""
    seconds = np.arange(LESSON_S)
    begins = int(rng.integers(600, 1800))
    merry = {
        "none": seconds < 0,
        "swing": (seconds >= begins) & (seconds < begins + 600),
        "half": (seconds < LESSON_S // 2) == (rng.random() < 0.5),
        "restless": (seconds + begins) // 300 % 2 == 0,
    }[mood]
    happy = (rng.random(len(room)) < 0.75)[:, None] & merry
    return np.where(happy & (room >= 0), HAPPY, room), merry


def one_more(rng: np.random.Generator, secret: str, merry: NDArray[np.bool_]) -> Ints:
    """What the one more pupil shows under both hypotheses, ``(2, 1, seconds)``.

    Args:
        rng: Draws.
        secret: Which one.
        merry: The seconds in which the class is happy.
    """
    seconds = np.arange(LESSON_S)
    mostly = np.where(np.arange(len(LABELS)) == HAPPY, 0.7, 0.3 * TYPICAL_SHARES / (1 - TYPICAL_SHARES[HAPPY]))
    like_others, happier = pupils(rng, np.concatenate([rates(rng, 1), mostly[None]]))[:, None]
    happy, neutral = (np.where(like_others >= 0, label, -1) for label in (HAPPY, NEUTRAL_LABEL))
    nobody = np.full((1, LESSON_S), -1)
    half = seconds < LESSON_S // 2
    shown: dict[str, tuple[Ints, Ints]] = {
        "present": (nobody, like_others),
        "present_happy": (nobody, happy),
        "late": (happier, np.where(seconds < 900, -1, happier)),
        "left": (happier, np.where(seconds >= 1800, -1, happier)),
        "happy": (neutral, happy),
        "happier": (like_others, happier),
        "turned": (np.where(half, happy, neutral), np.where(half, neutral, happy)),
        "joined": (np.where(merry, neutral, like_others), np.where(merry, happy, like_others)),
    }
    return np.stack(shown[secret])


def counts(room: Ints) -> Ints:
    """Faces by label and window, summed over the seconds of each window. The device runs before and after the lesson.

    Returns:
        ``(windows, labels + 1)``; the last column has the faces with a baseline.
    """
    seen = room >= 0
    window = np.broadcast_to(np.arange(LESSON_S) // WINDOW_S, room.shape)
    places = window[seen] * len(LABELS) + room[seen]
    windows: Ints = np.bincount(places, minlength=WINDOWS * len(LABELS)).reshape(WINDOWS, len(LABELS))
    baselines = np.bincount(window[_followed(seen)], minlength=WINDOWS)
    both: Ints = np.concatenate([windows, baselines[:, None]], axis=1)
    return np.pad(both, ((EMPTY_WINDOWS, EMPTY_WINDOWS), (0, 0)))


def _followed(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """In which seconds a face has been followed for so long that it has a baseline; ``(pupils, seconds)`` as given."""
    seconds = np.arange(LESSON_S)
    last_seen = np.maximum.accumulate(np.where(seen, seconds, -LESSON_S), axis=1)
    before = np.concatenate([np.full((len(seen), 1), -LESSON_S), last_seen[:, :-1]], axis=1)
    lost = seconds - before > TrackerSettings().forget_s + 1
    began = np.maximum.accumulate(np.where(seen & lost, seconds, 0), axis=1)
    followed: NDArray[np.bool_] = seen & (seconds - began >= RestingFaceSettings().after_s)
    return followed
