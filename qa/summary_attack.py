"""Attack the summaries of simulated lessons: can they give away one pupil to who knows all the others?

    python -m qa.summary_attack [--lessons 1000] [--blur 18] [--hold-s 100] [--group 24] [--only-limits] [--json]

Every lesson hides one bit about one more pupil: whether he or she was there, came late, left early, or was happy. Two
attackers guess it. Both hold every published message, and know who of the others sits where and when.

- ``learned`` is a logistic regression. It has learned from as many other lessons with known truth. It sees the
  published figures in steps of five minutes, sizes and times of messages, all of ``health``, and what the others did.
- ``informed`` knows the defence, the ends of its blocks, and the expression of each of the others at each second. All
  it does not know are the secret thresholds. It plays the lesson again with many of them under both hypotheses. It
  believes the hypothesis under which the device says more often what it has said.
- ``any`` is no attacker but what the best one could reach who knows all that, and all that the one more pupil would
  show in either case: half of the distance between what the device says in both cases, added up exactly.
- ``entering`` is the same limit where the device has been running before the class comes into the empty room.

The same lessons are attacked without the defence, for comparison. The cost in usefulness is measured in other lessons,
in which the mood of the whole class changes once.
"""

from __future__ import annotations

import json as jsonlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from math import sqrt
from typing import Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from edge_agent.command_line import run_app
from edge_agent.config import PrivacySettings, RestingFaceSettings, Settings, TrackerSettings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.model_format.labels import FER2013, OTHER, UNCERTAIN
from edge_agent.privacy.disclosure import (
    BASELINES,
    GROUP,
    RETURN_BLOCKS,
    SETTLING_BLOCKS,
    DisclosureControl,
    Secret,
    WindowTotals,
    group_range,
    min_change,
)
from edge_agent.protocol.messages import encode
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.types import WindowSummary
from edge_agent.vision.camera_state import CameraState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS: Final = (*FER2013, UNCERTAIN)
_TYPICAL_SHARES: Final = np.array([0.04, 0.01, 0.03, 0.20, 0.07, 0.05, 0.45, 0.15])
"""How often each label is seen in a class."""
_FIGURES: Final = (GROUP, *LABELS, BASELINES)
"""All figures that the defence judges."""
_HAPPY, _NEUTRAL = LABELS.index("happy"), LABELS.index("neutral")
_OWN_WAY: Final = 20.0
"""How alike pupils are: the sum of the Dirichlet distribution's parameters from which their own rates come."""

LESSON_S: Final = 2700
WINDOW_S: Final = 5
_WINDOWS: Final = LESSON_S // WINDOW_S
_DWELL_S, _SEEN_S, _HIDDEN_S = 20.0, 80.0, 8.0
_ARRIVE_S, _LEAVE_S = 300, 120
_STEP_WINDOWS: Final = 60
_STEPS: Final = _WINDOWS // _STEP_WINDOWS
_REPLAYS: Final = 150
_EXACT_EVERY: Final = 4
"""Without the defence so few of the lessons are enough to see that it is needed."""
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
}


@dataclass(frozen=True)
class Result:
    """How often an attacker guessed right.

    Attributes:
        secret: What was guessed.
        attacker: Who guessed.
        defended: Whether the device protected its summaries.
        accuracy: Share of lessons in which the guess was right; half of them are by chance.
        low: Lower end of the 95 % confidence interval (Wilson).
        high: Its upper end.
    """

    secret: str
    attacker: str
    defended: bool
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Usefulness:
    """What the defence costs.

    Attributes:
        shown: Share of the time, from five minutes after the lesson's start, in which there are figures.
        faces_error: Mean error of the number of faces.
        share_error: Mean error of a named share.
        main_named: How often the commonest expression is named, where more than half of the class hold it.
        named_wrongly: Share of named expressions that less than a fifth of the class hold.
        delay_p50_s: Seconds from a change of the class's mood until the figures show it, median.
        delay_p95_s: The same, 95th percentile.
        never: Share of changes that the figures did not show within ten minutes.
    """

    shown: float
    faces_error: float
    share_error: float
    main_named: float
    named_wrongly: float
    delay_p50_s: float
    delay_p95_s: float
    never: float


class FixedSecret(Secret):
    """Thresholds that an attack chooses or looks at."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        super().__init__(None)

    def share(self, figure: str) -> float:
        """How far within its range the threshold of a figure lies."""
        return float(self.drawn[figure])

    def renew(self) -> None:
        """Draw others."""
        self.drawn: dict[str, float] = dict(zip(_FIGURES, self._rng.random(len(_FIGURES)).tolist(), strict=True))
        self._value = b"drawn"


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


def rates(rng: np.random.Generator, pupils: int) -> Floats:
    """How often each pupil shows each label, ``(pupils, labels)``."""
    own: Floats = rng.dirichlet(_TYPICAL_SHARES * _OWN_WAY, pupils)
    return own


def the_others(rng: np.random.Generator, group: int, *, mood: bool = False) -> Ints:
    """What the others show, ``(group, seconds)``. They come within five minutes and leave within two.

    Args:
        rng: Draws.
        group: How many they are.
        mood: Whether three of four are happy for ten minutes.
    """
    seconds = np.arange(LESSON_S)
    room = pupils(rng, rates(rng, group))
    comes, goes = rng.uniform(0, _ARRIVE_S, group), LESSON_S - rng.uniform(0, _LEAVE_S, group)
    room[(seconds < comes[:, None]) | (seconds >= goes[:, None])] = -1
    return in_a_mood(rng, room)[0] if mood else room


def in_a_mood(rng: np.random.Generator, room: Ints) -> tuple[Ints, int]:
    """The same pupils, of whom three of four are happy for ten minutes; and the second at which that begins."""
    seconds = np.arange(LESSON_S)
    begins = int(rng.integers(600, 1800))
    happy = (rng.random(len(room)) < 0.75)[:, None] & (seconds >= begins) & (seconds < begins + 600)
    return np.where(happy & (room >= 0), _HAPPY, room), begins


def one_more(rng: np.random.Generator, secret: str, bit: int) -> Ints:
    """What the one more pupil shows under one of the two hypotheses, ``(1, seconds)``."""
    seconds = np.arange(LESSON_S)
    mostly = np.where(np.arange(len(LABELS)) == _HAPPY, 0.7, 0.3 * _TYPICAL_SHARES / (1 - _TYPICAL_SHARES[_HAPPY]))
    like_others, happier = pupils(rng, np.concatenate([rates(rng, 1), mostly[None]]))[:, None]
    seen = like_others >= 0
    always = {name: np.where(seen, label, -1) for name, label in (("happy", _HAPPY), ("neutral", _NEUTRAL))}
    nobody = np.full((1, LESSON_S), -1)
    first, second = (always["happy"], always["neutral"]) if bit else (always["neutral"], always["happy"])
    shown: dict[str, Ints] = {
        "present": like_others if bit else nobody,
        "present_happy": always["happy"] if bit else nobody,
        "late": np.where(seconds < 900, -1, happier) if bit else happier,
        "left": np.where(seconds >= 1800, -1, happier) if bit else happier,
        "happy": always["happy"] if bit else always["neutral"],
        "happier": happier if bit else like_others,
        "turned": np.where(seconds < LESSON_S // 2, second, first),
    }
    return shown[secret]


def counts(room: Ints) -> Ints:
    """Faces by label and window, summed over the seconds of each window.

    Returns:
        ``(windows, labels + 1)``; the last column has the faces with a baseline.
    """
    seen = room >= 0
    window = np.broadcast_to(np.arange(LESSON_S) // WINDOW_S, room.shape)
    places = window[seen] * len(LABELS) + room[seen]
    windows: Ints = np.bincount(places, minlength=_WINDOWS * len(LABELS)).reshape(_WINDOWS, len(LABELS))
    baselines = np.bincount(window[_followed(seen)], minlength=_WINDOWS)
    both: Ints = np.concatenate([windows, baselines[:, None]], axis=1)
    return both


def _followed(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """In which seconds a face has been followed for so long that it has a baseline; ``(pupils, seconds)`` as given."""
    seconds = np.arange(LESSON_S)
    last_seen = np.maximum.accumulate(np.where(seen, seconds, -LESSON_S), axis=1)
    before = np.concatenate([np.full((len(seen), 1), -LESSON_S), last_seen[:, :-1]], axis=1)
    lost = seconds - before > TrackerSettings().forget_s + 1
    began = np.maximum.accumulate(np.where(seen & lost, seconds, 0), axis=1)
    followed: NDArray[np.bool_] = seen & (seconds - began >= RestingFaceSettings().after_s)
    return followed


@dataclass(frozen=True)
class Published:
    """What left the device in a lesson.

    Attributes:
        figures: By window: whether suppressed, faces, the share of each label and of ``other``, faces with a baseline.
        sizes: Bytes of each summary.
        health: By step of five minutes: every number in ``health``.
        blocks: First window of each block and the window after the last one; empty without the defence.
        passed: By block, how many thresholds were passed: of each figure. All that is published follows.
        thresholds: The secret ones by figure, from 0 to 1. No attacker sees them.
    """

    figures: Floats
    sizes: Floats
    health: Floats
    blocks: tuple[int, ...] = ()
    passed: Ints | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)


class _Clock:
    """A clock that the lesson sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now

    def synced(self) -> bool:
        return True


class _Watched(DisclosureControl):
    """The defence, with a record of its blocks for the attacker who knows where they end."""

    window = 0

    def __init__(self, privacy: PrivacySettings, rng: np.random.Generator) -> None:
        seed = int(rng.integers(2**32))
        secret = FixedSecret(rng)
        super().__init__(privacy.min_group, privacy.blur, privacy.hold_s, secret, random.Random(seed))
        self.drawn = secret.drawn
        self.blocks: list[int] = []
        self.passed: list[tuple[int, ...]] = []

    def _judge(self) -> None:
        super()._judge()
        self.blocks.append(self.window)
        group = self._level(GROUP, *group_range(self._blur))
        others = (self._level(name, self._blur, self._blur) for name in _FIGURES[1:])
        self.passed.append((0,) * len(_FIGURES) if self._shown is None else (group, *others))


def publish(windows: Ints, privacy: PrivacySettings, rng: np.random.Generator) -> Published:
    """Let the device's own code publish a lesson; ``windows`` as from :func:`counts`."""
    clock = _Clock()
    session = Session("01JD5W7T4KQ2AAAA", clock)
    builder = MessageBuilder(Settings(privacy=privacy), ModelIdentity(FER2013, "9f86d081884c"), clock)
    control = _Watched(privacy, rng) if privacy.blur else None
    figures, sizes = np.zeros((_WINDOWS, len(LABELS) + 4)), np.zeros(_WINDOWS)
    last: WindowSummary | None = None
    for index, row in enumerate(windows.tolist()):
        clock.now = (index + 1.0) * WINDOW_S
        summary = _exact(index, row, privacy.min_group) if control is None else _disclosed(index, row, control)
        if last is not None and _says(last) == _says(summary):
            figures[index], sizes[index] = figures[index - 1], sizes[index - 1]
            continue
        last, shares = summary, summary.shares or {}
        sizes[index] = len(encode(builder.summary(summary, session)))
        named = (shares.get(name, 0) for name in (*LABELS, OTHER))
        figures[index] = [summary.suppressed, summary.faces or 0, *named, summary.with_baseline or 0]
    health = _health(windows[:, :-1].sum(1) / WINDOW_S, privacy, rng)
    if control is None:
        return Published(figures, sizes, health)
    return Published(figures, sizes, health, (*control.blocks, _WINDOWS), np.array(control.passed), control.drawn)


def _says(summary: WindowSummary) -> tuple[object, ...]:
    return summary.faces, summary.shares, summary.with_baseline


def _exact(index: int, row: Sequence[int], min_group: int) -> WindowSummary:
    """As :class:`~edge_agent.privacy.summary.SummaryWindow` sums a window up without the defence."""
    *by_label, with_baseline = row
    faces = sum(by_label)
    if faces < min_group * WINDOW_S:
        return WindowSummary(index * WINDOW_S, WINDOW_S, faces=None, shares=None, suppressed=True)
    shares = {label: count / faces for label, count in zip(LABELS, by_label, strict=True) if count}
    return WindowSummary(
        index * WINDOW_S,
        WINDOW_S,
        round(faces / WINDOW_S),
        shares,
        suppressed=False,
        with_baseline=round(with_baseline / WINDOW_S) if with_baseline >= min_group * WINDOW_S else None,
    )


def _disclosed(index: int, row: Sequence[int], control: _Watched) -> WindowSummary:
    control.window = index
    *by_label, with_baseline = row
    seen = dict(zip(LABELS, by_label, strict=True))
    totals = WindowTotals(index * WINDOW_S, WINDOW_S, WINDOW_S, sum(by_label), seen, with_baseline)
    figures = control.add(totals)
    if figures is None:
        return WindowSummary(index * WINDOW_S, WINDOW_S, None, None, suppressed=True, approximate=True)
    return WindowSummary(
        index * WINDOW_S,
        WINDOW_S,
        figures.faces,
        dict(figures.shares),
        suppressed=False,
        approximate=True,
        with_baseline=figures.with_baseline,
    )


def _health(faces: Floats, privacy: PrivacySettings, rng: np.random.Generator) -> Floats:
    """All numbers of ``health`` by step, of a board that has more to do with every face and drops frames."""
    monitor = HealthMonitor(0.0, privacy.min_group, coarse=privacy.blur > 0)
    rows, read, dropped = [], 0, 0
    for step in range(_STEPS):
        for present in faces[step * _STEP_WINDOWS : (step + 1) * _STEP_WINDOWS : 6]:
            took_ms = 60 + 4 * present + rng.normal(0, 5)
            # Each frame counted here stands for all of half a minute, of which the board takes as many as it can.
            monitor.count([("detect", took_ms / 2)], took_ms, round(present))
            monitor.count_unread(["profile"] * rng.poisson(present / 4))
            read, dropped = read + 300, dropped + max(0, round(300 - 30_000 / took_ms))
        camera = CameraReport(CameraState.OK, "", read, dropped)
        report = monitor.report(camera, (step + 1.0) * _STEP_WINDOWS * WINDOW_S, HardwareStatus())
        latency = report.latency_ms.get("total")
        rows.append(
            [
                report.fps,
                report.frames_read,
                report.frames_dropped,
                latency.p50 if latency else 0.0,
                sum((report.unread or {}).values()),
            ]
        )
    return np.array(rows, np.float64)


def features(published: Published, others: Ints) -> Floats:
    """What the learned attacker looks at.

    Args:
        published: What left the device.
        others: What the others showed, as from :func:`counts`.
    """
    figures = published.figures
    shown = figures[:, 0] == 0
    steps = figures.reshape(_STEPS, _STEP_WINDOWS, -1).mean(1)
    known = (others / WINDOW_S).reshape(_STEPS, _STEP_WINDOWS, -1).mean(1)
    people = known[:, :-1].sum(1, keepdims=True)
    known = np.concatenate([known, people], axis=1)
    known_shares = known[:, : len(LABELS)] / np.maximum(people, 1e-9)
    # What is published less what there would be without the one more pupil; averaged over the lesson, too.
    apart = np.concatenate(
        [steps[:, 1:2] - people, steps[:, 2:-2] - known_shares, steps[:, -1:] - known[:, -2:-1]], axis=1
    )
    half = _STEPS // 2
    changes = (np.abs(np.diff(figures, axis=0, prepend=figures[:1])).sum(1) > 0).astype(np.float64)
    first = float(np.argmax(shown)) if shown.any() else float(_WINDOWS)
    parts = [
        steps.ravel(),
        apart.ravel(),
        apart.mean(0),
        apart[half:].mean(0) - apart[:half].mean(0),
        figures.mean(0),
        changes.reshape(_STEPS, _STEP_WINDOWS).sum(1),
        [first, published.sizes.sum()],
        published.sizes.reshape(_STEPS, _STEP_WINDOWS).mean(1),
        published.health.ravel(),
        published.health.mean(0),
        known.ravel(),
    ]
    return np.concatenate(parts)


def learn(inputs: Floats, truth: Ints) -> tuple[Floats, Floats, Floats]:
    """Logistic regression with a penalty on the weights; mean and scale of the inputs, and the weights."""
    mean, scale = inputs.mean(0), inputs.std(0)
    scale[scale < 1e-9] = np.inf
    design = np.concatenate([(inputs - mean) / scale, np.ones((len(inputs), 1))], axis=1)
    signs = 2.0 * truth - 1.0

    def loss(weights: Floats, penalty: float, rows: Ints) -> tuple[float, Floats]:
        margins = signs[rows] * (design[rows] @ weights)
        slope = -signs[rows] / (1 + np.exp(np.clip(margins, -50, 50)))
        gradient = design[rows].T @ slope + penalty * weights
        return float(np.logaddexp(0, -margins).sum() + penalty / 2 * weights @ weights), gradient

    def fitted(penalty: float, rows: Ints) -> Floats:
        found: Floats = minimize(loss, np.zeros(design.shape[1]), (penalty, rows), "L-BFGS-B", jac=True).x
        return found

    # The penalty that serves best in lessons which were not learned from.
    rows = np.arange(len(inputs))
    seen, kept = rows[rows % 4 > 0], rows[rows % 4 == 0]
    scores = {
        penalty: float((signs[kept] * (design[kept] @ fitted(penalty, seen)) > 0).mean())
        for penalty in (3.0, 30.0, 300.0, 3000.0)
    }
    return mean, scale, fitted(max(scores, key=lambda penalty: scores[penalty]), rows)


def guess(model: tuple[Floats, Floats, Floats], inputs: Floats) -> Ints:
    """What the learned attacker says."""
    mean, scale, weights = model
    guesses: Ints = (((inputs - mean) / scale) @ weights[:-1] + weights[-1] > 0).astype(np.int64)
    return guesses


def steady_values(
    windows: Ints, blocks: Sequence[int], privacy: PrivacySettings, returning: int = 0
) -> tuple[Floats, NDArray[np.bool_]]:
    """By what the defence judges each figure from the begin of each block on. No threshold matters to that.

    Args:
        windows: As from :func:`counts`.
        blocks: First window of each block, and the window after the last.
        privacy: The device's settings.
        returning: How many blocks are dropped from the one on in which there is a group; 0 where the device starts with
            the lesson.

    Returns:
        Faces, ``(blocks, figures)``, and whether there is a group that has come together, ``(blocks,)``.
    """
    least, change = privacy.min_group, min_change(privacy.blur)
    values, judged = np.zeros((len(blocks) - 1, len(_FIGURES))), np.zeros(len(blocks) - 1, bool)
    steady: Floats | None = None
    settling, absent = 0 if returning else SETTLING_BLOCKS, bool(returning)
    for number, (begin, end) in enumerate(pairwise(blocks[:-1]), 1):
        mean = windows[begin:end].mean(0) / WINDOW_S
        block = np.concatenate([[mean[:-1].sum()], mean])
        there = block[0] >= least
        if not settling and not there:
            steady, absent = None, True
            continue
        if absent and there:
            settling, absent = returning or RETURN_BLOCKS[0], False
        if settling:
            settling -= 1
        else:
            steady = block if steady is None else _judged(steady, block, change, least)
            values[number], judged[number] = steady, True
    return values, judged


def _judged(steady: Floats, block: Floats, change: float, least: int) -> Floats:
    return np.where((np.abs(block - steady) >= change) | ((block < least) & (steady >= least)), block, steady)


def levels_of(values: Floats, judged: NDArray[np.bool_], privacy: PrivacySettings, thresholds: Floats) -> Ints:
    """How many thresholds each figure passes in each block. Where the group passes none, the others are not published.

    Args:
        values: As from :func:`steady_values`, of some figures.
        judged: The same, whether there is a group.
        privacy: The device's settings.
        thresholds: ``(secrets, figures)``, from 0 to 1.

    Returns:
        ``(secrets, blocks, figures)``.
    """
    group_width, group_period = group_range(privacy.blur)
    width, period = (np.array([first, *[privacy.blur] * (len(_FIGURES) - 1)]) for first in (group_width, group_period))
    above = values[None] - privacy.min_group - (width * thresholds)[:, None]
    levels: Ints = np.maximum(0, np.floor(above / period).astype(np.int64) + 1) * judged[None, :, None]
    return levels


def replay(windows: Ints, blocks: Sequence[int], privacy: PrivacySettings, thresholds: Floats) -> Ints:
    """How many thresholds each figure passes in each block, ``(secrets, blocks, figures)``, for many secrets at a time.

    Args:
        windows: As from :func:`counts`.
        blocks: First window of each block, and the window after the last.
        privacy: The device's settings.
        thresholds: ``(secrets, figures)``, from 0 to 1.
    """
    return levels_of(*steady_values(windows, blocks, privacy), privacy, thresholds)


def informed_guess(
    published: Published,
    both: tuple[Sequence[Ints], Sequence[Ints]],
    privacy: PrivacySettings,
    rng: np.random.Generator,
) -> int:
    """What the informed attacker says.

    Args:
        published: What left the device.
        both: Under either hypothesis, lessons as they may have been.
        privacy: The device's settings.
        rng: Draws secrets, and decides where both hypotheses are as likely.
    """
    assert published.passed is not None
    likely = [0.0, 0.0]
    # Without a group nothing of the rest is to be seen.
    published_too = (published.passed[:, :1] > 0) | (np.arange(len(_FIGURES)) == 0)
    for bit, lessons in enumerate(both):
        for windows in lessons:
            thresholds = rng.random((_REPLAYS, len(_FIGURES)))
            again = replay(windows, published.blocks, privacy, thresholds)
            # Thresholds are drawn independently, so the likelihoods of the figures multiply.
            agree = ((again == published.passed) | ~published_too).all(1).mean(0)
            likely[bit] += float(np.prod(agree + 0.1 / _REPLAYS))
    return int(rng.integers(2)) if likely[0] == likely[1] else int(likely[1] > likely[0])


@dataclass(frozen=True)
class _Outcomes:
    """What a figure may look like in a lesson, by its secret threshold.

    Attributes:
        lengths: How likely each range of the threshold is in which nothing changes.
        levels: For both hypotheses, the levels of all blocks in each range: ``(2, ranges, blocks)``.
    """

    lengths: Floats
    levels: Ints

    @classmethod
    def of(cls, values: Floats, judged: NDArray[np.bool_], least: int, width: float, period: float) -> _Outcomes:
        """Those of one figure; ``values`` and ``judged`` are ``(2, blocks)``."""
        apart = np.unique(values[judged])[:, None] - least - period * np.arange(4)
        inside = apart.ravel() / width
        edges = np.unique(np.concatenate([[0.0, 1.0], inside[(inside > 0) & (inside < 1)]]))
        middles = (edges[1:] + edges[:-1]) / 2
        above = (values[:, None, :] - least - width * middles[None, :, None]) / period
        levels = np.maximum(0, np.floor(above).astype(np.int64) + 1) * judged[:, None, :]
        return cls(np.diff(edges), levels)

    def likely(self, shown: NDArray[np.bool_]) -> dict[bytes, Floats]:
        """How likely everything is under both hypotheses that may be seen in these blocks."""
        sums: dict[bytes, Floats] = {}
        for bit in (0, 1):
            for length, row in zip(self.lengths.tolist(), self.levels[bit][:, shown], strict=True):
                sums.setdefault(row.tobytes(), np.zeros(2))[bit] += length
        return sums


def limit(
    one: Ints, other: Ints, blocks: Sequence[int], privacy: PrivacySettings, returning: Sequence[int] = (0,)
) -> float:
    """By how much what the device says differs between two lessons (total variation, 0 to 1).

    Half of it is what any attacker can be better than chance who knows all but the device's random numbers. It even
    knows when blocks end.

    Args:
        one: A lesson, as from :func:`counts`.
        other: The same with something else that the one more pupil shows.
        blocks: First window of each block, and the window after the last.
        privacy: The device's settings.
        returning: As for :func:`steady_values`, each as likely.
    """
    ways = []
    for dropped in returning:
        first, second = (steady_values(way, blocks, privacy, dropped) for way in (one, other))
        ways.append((np.stack([first[0], second[0]]), np.stack([first[1], second[1]])))
    # Of all others nothing is to be seen, or nothing that would differ. Where blocks are dropped at random, what does
    # not differ says how many there were.
    differing = np.any([(values[0] != values[1]).any(0) for values, _ in ways], axis=0) | (len(ways) > 1)
    largest = np.max([values.max((0, 1)) for values, _ in ways], axis=0)
    places = [place for place in range(1, len(_FIGURES)) if differing[place] and largest[place] > privacy.min_group]
    chances: dict[bytes, Floats] = {}
    for values, judged in ways:
        for seen, likely in _said(values, judged, places, privacy).items():
            chances[seen] = chances.get(seen, np.zeros(2)) + likely / len(ways)
    likely = np.array(list(chances.values()))
    return float(np.abs(likely[:, 0] - likely[:, 1]).sum()) / 2


def _said(
    values: Floats, judged: NDArray[np.bool_], places: Sequence[int], privacy: PrivacySettings
) -> dict[bytes, Floats]:
    """How likely the device says what in two lessons.

    Args:
        values: By what figures are judged in both, ``(2, blocks, figures)``.
        judged: Whether there is a group that has come together, ``(2, blocks)``.
        places: Which figures to look at besides the group's.
        privacy: The device's settings.
    """
    group = _Outcomes.of(values[:, :, 0], judged, privacy.min_group, *group_range(privacy.blur))
    figures = [
        _Outcomes.of(values[:, :, place], judged, privacy.min_group, privacy.blur, privacy.blur) for place in places
    ]
    said: dict[bytes, Floats] = {}
    for groups, chance in group.likely(np.ones(judged.shape[1], bool)).items():
        shown = np.frombuffer(groups, np.int64) > 0
        outcomes = {groups: chance}
        for figure in figures:
            outcomes = {
                before + levels: chances * more
                for before, chances in outcomes.items()
                for levels, more in figure.likely(shown).items()
            }
        said |= outcomes
    return said


def limits_of(
    secret: str, lessons: int, group: int, privacy: PrivacySettings, seed: int, *, mood: bool = False
) -> list[Result]:
    """What no attacker can exceed, where the device starts with the lesson, and where it has been running before."""
    rng = np.random.default_rng([seed, 2, mood])
    aside = np.random.default_rng([seed, 3, *secret.encode()])
    found = []
    for _ in range(lessons):
        others, blocks = counts(the_others(rng, group, mood=mood)), blocks_of(rng, privacy)
        one, other = (others + counts(one_more(aside, secret, bit)) for bit in (0, 1))
        found.append([limit(one, other, blocks, privacy, dropped) for dropped in ((0,), RETURN_BLOCKS)])
    any_one, entering = np.array(found).T
    return [_limit(secret, "any", any_one), _limit(secret, "entering", entering)]


def blocks_of(rng: np.random.Generator, privacy: PrivacySettings) -> list[int]:
    """Blocks as the device makes them: the first window of each, and the window after the last."""
    begins, ends_at = [], 0.0
    for window in range(_WINDOWS):
        if window * WINDOW_S >= ends_at:
            begins.append(window)
            ends_at = window * WINDOW_S + privacy.hold_s * (1.0 + float(rng.random()))
    return [*begins, _WINDOWS]


def attack(secret: str, lessons: int, group: int, privacy: PrivacySettings, seed: int) -> list[Result]:
    """Both attackers against lessons with and without the defence."""
    rng = np.random.default_rng([seed, *secret.encode()])
    open_privacy = PrivacySettings(level="summary", min_group=privacy.min_group, blur=0)
    truth = rng.integers(2, size=2 * lessons)
    defended, exact, informed = [], [], []
    for index, bit in enumerate(truth.tolist()):
        room = the_others(rng, group)
        others = counts(room)
        windows = others + counts(one_more(rng, secret, bit))
        published = publish(windows, privacy, rng)
        defended.append(features(published, others))
        if index % _EXACT_EVERY == 0:
            exact.append(features(publish(windows, open_privacy, rng), others))
        if index >= lessons:
            both = [[others + counts(one_more(rng, secret, way)) for _ in range(2)] for way in (0, 1)]
            informed.append(informed_guess(published, (both[0], both[1]), privacy, rng))
    results = [
        _result(secret, "informed", True, np.array(informed) == truth[lessons:]),
    ]
    for is_defended, inputs, bits in (
        (True, np.array(defended), truth),
        (False, np.array(exact), truth[::_EXACT_EVERY]),
    ):
        half = len(inputs) // 2
        right = guess(learn(inputs[:half], bits[:half]), inputs[half:]) == bits[half:]
        results.append(_result(secret, "learned", is_defended, right))
    return results


def _limit(secret: str, attacker: str, differ: Floats) -> Result:
    """What no attacker can exceed, on average over the lessons."""
    mean, half = float(differ.mean()), 1.96 * float(differ.std()) / sqrt(len(differ))
    return Result(secret, attacker, True, *(round(0.5 + share / 2, 4) for share in (mean, mean - half, mean + half)))


def _result(secret: str, attacker: str, defended: bool, right: NDArray[np.bool_]) -> Result:
    count, share, z = len(right), float(right.mean()), 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return Result(secret, attacker, defended, round(share, 4), round(middle - half, 4), round(middle + half, 4))


def usefulness(lessons: int, group: int, privacy: PrivacySettings, seed: int) -> Usefulness:
    """What the figures are worth in lessons in which, for ten minutes, three of four pupils are happy."""
    rng = np.random.default_rng([seed, 1])
    shown, faces, shares, main, wrong, delays = [], [], [], [], [], []
    for _ in range(lessons):
        room, begins = in_a_mood(rng, the_others(rng, group))
        windows = counts(room)
        figures = publish(windows, privacy, rng).figures[_STEP_WINDOWS:-24]
        true = windows[_STEP_WINDOWS:-24, :-1] / WINDOW_S
        true_shares = true / np.maximum(true.sum(1, keepdims=True), 1e-9)
        given, named = figures[:, 0] == 0, figures[:, 2:-2] > 0
        shown.append(given.mean())
        faces.append(np.abs(figures[given, 1] - true[given].sum(1)).mean() if given.any() else 0.0)
        shares.append(np.abs(figures[:, 2:-2] - true_shares)[named])
        most = true_shares.argmax(1)
        clear = given & (true_shares.max(1) > 0.5)
        main.append(named[np.arange(len(named)), most][clear])
        wrong.append(true_shares[named] < 0.2)
        window = begins // WINDOW_S - _STEP_WINDOWS
        happy = named[window : window + 600 // WINDOW_S, _HAPPY]
        delays.append(float(np.argmax(happy)) * WINDOW_S if happy.any() else np.inf)
    seen = np.array(delays)[np.isfinite(delays)]
    p50, p95 = np.percentile(seen, [50, 95]) if len(seen) else (np.inf, np.inf)
    return Usefulness(
        shown=round(float(np.mean(shown)), 3),
        faces_error=round(float(np.mean(faces)), 2),
        share_error=round(float(np.concatenate(shares).mean()), 3),
        main_named=round(float(np.concatenate(main).mean()), 3),
        named_wrongly=round(float(np.concatenate(wrong).mean()), 3),
        delay_p50_s=float(p50),
        delay_p95_s=float(p95),
        never=round(float(np.mean(np.isinf(delays))), 3),
    )


def main(
    lessons: Annotated[int, typer.Option(min=20, help="Lessons that are guessed; as many are learned from.")] = 1000,
    group: Annotated[int, typer.Option(min=1, max=39, help="Pupils beside the one more.")] = 24,
    blur: Annotated[int, typer.Option(min=1, max=40, help="[privacy] blur.")] = PrivacySettings().blur,
    hold_s: Annotated[float, typer.Option(min=10, help="[privacy] hold_s.")] = PrivacySettings().hold_s,
    secret: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which lessons.")] = 1,
    mood: Annotated[bool, typer.Option(help="Limits alone: three of four are happy for ten minutes.")] = False,
    only_limits: Annotated[bool, typer.Option(help="What no attacker can exceed, and no attacks.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Attack the summaries of simulated lessons, and say what their protection costs."""
    privacy = PrivacySettings(level="summary", blur=blur, hold_s=hold_s)
    results: list[Result] = []
    for name in secret or SECRETS:
        found = limits_of(name, lessons, group, privacy, seed, mood=mood)
        if not (mood or only_limits):
            found += attack(name, lessons, group, privacy, seed)
        results += found
        for result in found if not json else ():
            defence = "with the defence" if result.defended else "without"
            interval = f"{result.low:.1%} to {result.high:.1%}"
            typer.echo(f"{name:14} {result.attacker:9} {defence:17} {result.accuracy:6.1%}  ({interval})")
    cost = usefulness(max(20, lessons // 5), group, privacy, seed)
    if json:
        typer.echo(jsonlib.dumps({"attacks": [asdict(result) for result in results], "cost": asdict(cost)}, indent=2))
    else:
        typer.echo("\n".join(f"{name:14} {value}" for name, value in asdict(cost).items()))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    run_app(app)
