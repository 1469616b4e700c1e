"""What happens when in the simulated classroom. Everything is a pure function of the seed and the scene's time."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import lru_cache
from math import floor, pi, sin

import numpy as np

from edge_agent.model_format.labels import FER2013

EXPRESSION_S = 7.5
"""Mean time for which an expression is shown, in seconds; each lasts about two thirds to four thirds of it."""

_ROUND_S = EXPRESSION_S * len(FER2013)  # in every round each seat shows each expression once
_RAMP_S, _RAMP_STEPS = (
    0.3,
    3,
)  # an expression comes, and goes, in this time; in few steps, so that drawn faces serve again
_BLINK_EVERY_S, _BLINK_S = 4.0, 0.13
_LEAVE_EVERY_S, _SINK_S = 50.0, 0.8
_LAMPS_EVERY_S, _SWITCH_S = 60.0, 0.4


@dataclass(frozen=True, slots=True)
class Motion:
    """Where a head is, against its place at rest.

    Attributes:
        x: To the right, in sides of the face square.
        y: Down, likewise.
        roll_deg: Clockwise.
    """

    x: float
    y: float
    roll_deg: float


@lru_cache(maxsize=1024)
def _draw(seed: int, what: str, *where: int) -> tuple[float, ...]:
    """Eight numbers from 0 to 1 that belong to a place in the script."""
    key = [seed, *what.encode(), *(place % (1 << 32) for place in where)]
    return tuple(float(number) for number in np.random.default_rng(key).random(8))


@lru_cache(maxsize=512)
def _round(seed: int, seat: int, turn: int) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """The expressions of one round, and the times within the round at which they change, its start and end included.

    Seven seats share an order and go through it from seven places with the same stride, so that together they show all
    expressions at any time. As 7 is prime, every stride meets each expression once, and no round ends with the
    expression that the next one begins with.
    """
    group, place = divmod(seat, len(FER2013))
    order = np.argsort(_draw(seed, "order", group)[: len(FER2013)])
    stride = 1 + int(_draw(seed, "stride", group, turn)[0] * (len(FER2013) - 1))
    lengths = 1.0 + np.array(_draw(seed, "length", seat, turn)[: len(FER2013)])
    ends = np.cumsum(lengths) * (_ROUND_S / lengths.sum())
    shown = tuple(FER2013[order[(place + stride * step) % len(FER2013)]] for step in range(len(FER2013)))
    return shown, (0.0, *ends.tolist()[:-1], _ROUND_S)


def expression_at(seed: int, seat: int, t: float) -> tuple[str, float]:
    """The expression a seat shows and its intensity: up to 0.9 or 1 by seat, and less while it comes and goes."""
    offset, liveliness, *_ = _draw(seed, "temper", seat)
    t += EXPRESSION_S * offset
    turn = floor(t / _ROUND_S)
    within = t - turn * _ROUND_S
    shown, changes = _round(seed, seat, turn)
    step = bisect(changes, within, hi=len(shown)) - 1
    ramp = min(1.0, (within - changes[step]) / _RAMP_S, (changes[step + 1] - within) / _RAMP_S)
    return shown[step], (0.9 if liveliness < 0.3 else 1.0) * (round(max(ramp, 0.0) * _RAMP_STEPS) / _RAMP_STEPS)


def blinks_at(seed: int, seat: int, t: float) -> bool:
    """Whether a seat's eyes are closed for a moment."""
    slot = floor(t / _BLINK_EVERY_S)
    begins = slot * _BLINK_EVERY_S + _draw(seed, "blink", seat, slot)[0] * (_BLINK_EVERY_S - _BLINK_S)
    return begins <= t < begins + _BLINK_S


def motion_at(seed: int, seat: int, t: float) -> Motion:
    """How a seat's head sways."""
    a, b, c, d, e, f, _, _ = _draw(seed, "sway", seat)
    x = 0.05 * sin(2 * pi * (t / (5 + 4 * a) + b)) + 0.015 * sin(2 * pi * (t / (1.7 + a) + c))
    y = 0.018 * sin(2 * pi * (t / (3 + 3 * d) + e))
    return Motion(x, y, 2.4 * sin(2 * pi * (t / (6 + 4 * f) + d)))


def sunk_at(seed: int, seat: int, t: float) -> float:
    """How far a seat's occupant has gone down behind the desk: 0 sits upright, 1 is out of sight.

    In about every second stretch of 50 s someone leaves once, for 6 to 12 s.
    """
    stretch = floor(t / _LEAVE_EVERY_S)
    whether, begin, length, *_ = _draw(seed, "leave", seat, stretch)
    if whether < 0.5:
        return 0.0
    leaves = stretch * _LEAVE_EVERY_S + 8 + 28 * begin
    returns = leaves + 6 + 6 * length
    share = max(0.0, min(1.0, (t - leaves) / _SINK_S, (returns - t) / _SINK_S))
    return share * share * (3 - 2 * share)


def light_at(seed: int, t: float) -> float:
    """Brightness of the classroom: daylight comes and goes, and in some minutes the lamps are off for a while."""
    minute = floor(t / _LAMPS_EVERY_S)
    whether, begin, length, *_ = _draw(seed, "lamps", minute)
    daylight = 0.97 + 0.05 * sin(2 * pi * (t / 23 + _draw(seed, "day")[0]))
    off = minute * _LAMPS_EVERY_S + 12 + 20 * begin
    dark = max(0.0, min(1.0, (t - off) / _SWITCH_S, (off + 8 + 8 * length - t) / _SWITCH_S)) if whether < 0.5 else 0.0
    return daylight * (1 - 0.22 * dark)
