"""Attack the summaries of simulated lessons: can they give away one pupil to who knows all the others?

    python -m qa.summary_attack [--lessons 1000] [--blur 18] [--hold-s 150] [--group 24] [--only-limits] [--json]

Every lesson hides one bit about one more pupil: whether he or she was there, came late, left early, or was happy. In
some lessons the mood of the whole class changes. Three attackers guess the bit. All hold every published message, and
know who of the others sits where and when.

- ``learned`` is a logistic regression. It has learned from other lessons with known truth. It sees the published
  figures in steps of five minutes, sizes and times of messages, all of ``health``, and what the others did.
- ``boosted`` sees the same, and has learned 100 small decisions one after the other (gradient boosting).
- ``informed`` knows the defence, the ends of its blocks, and the expression of each of the others at each second. All
  it does not know are the secret thresholds. It plays the lesson again with many of them under both hypotheses. It
  believes the hypothesis under which the device says more often what it has said.

``any`` is no attacker but what the best one could reach who knows all that, and all that the one more pupil would show
in either case: half of the distance between what the device says in both cases, added up exactly. The device runs
before the class comes and after it has gone. With ``--restarts`` it is restarted so often within the lesson, at times
that the attacker knows.

The same lessons are attacked without the defence, for comparison. The cost in usefulness is measured in other lessons,
in which the mood of the whole class changes for ten minutes.
"""

from __future__ import annotations

import json as jsonlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from edge_agent.model_format.labels import FER2013, NEUTRAL, OTHER, UNCERTAIN
from edge_agent.privacy.disclosure import (
    BASELINES,
    GROUP,
    HYSTERESIS,
    LEAVING_BLOCKS,
    RETURN_BLOCKS,
    DisclosureControl,
    Figures,
    Secret,
    WindowTotals,
    figure_range,
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
"""All figures that the defence judges, and that of neutral faces, which it never does."""
_UNJUDGED: Final = _FIGURES.index(NEUTRAL)
_HAPPY, _NEUTRAL = LABELS.index("happy"), LABELS.index("neutral")
_OWN_WAY: Final = 20.0
"""How alike pupils are: the sum of the Dirichlet distribution's parameters from which their own rates come."""

LESSON_S: Final = 2700
WINDOW_S: Final = 5
_WINDOWS: Final = LESSON_S // WINDOW_S
_EMPTY_WINDOWS: Final = 60
"""For so long the device runs before the lesson and after it."""
_DWELL_S, _SEEN_S, _HIDDEN_S = 20.0, 80.0, 8.0
_ARRIVE_S, _LEAVE_S = 300, 120
_STEP_WINDOWS: Final = 60
_STEPS: Final = _WINDOWS // _STEP_WINDOWS
_REPLAYS: Final = 150
_EXACT_EVERY: Final = 4
"""Without the defence so few of the lessons are enough to see that it is needed."""
_FOLDS: Final = 4
_ROUNDS, _STEP, _BINS = 100, 0.1, 8
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


@dataclass(frozen=True)
class Result:
    """How often an attacker guessed right.

    Attributes:
        secret: What was guessed.
        mood: What the class did meanwhile.
        attacker: Who guessed.
        defended: Whether the device protected its summaries.
        accuracy: Share of lessons in which the guess was right; half of them are by chance.
        low: Lower end of the 95 % confidence interval (Wilson).
        high: Its upper end.
    """

    secret: str
    mood: str
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
        main_named: How often an expression other than neutral is named, where more than half of the class hold it.
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


def rates(rng: np.random.Generator, pupils: int, typical: Floats = _TYPICAL_SHARES) -> Floats:
    """How often each pupil shows each label, ``(pupils, labels)``; ``typical`` is how often all do."""
    own: Floats = rng.dirichlet(typical * _OWN_WAY, pupils)
    return own


def merrier(happy: float) -> Floats:
    """How often each label is seen in a class that is happy so often instead of neutral."""
    shares: Floats = _TYPICAL_SHARES.copy()
    shares[_NEUTRAL] += shares[_HAPPY] - happy
    shares[_HAPPY] = happy
    return shares


def the_others(rng: np.random.Generator, group: int, typical: Floats = _TYPICAL_SHARES) -> Ints:
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
    return np.where(happy & (room >= 0), _HAPPY, room), merry


def one_more(rng: np.random.Generator, secret: str, merry: NDArray[np.bool_]) -> Ints:
    """What the one more pupil shows under both hypotheses, ``(2, 1, seconds)``.

    Args:
        rng: Draws.
        secret: Which one.
        merry: The seconds in which the class is happy.
    """
    seconds = np.arange(LESSON_S)
    mostly = np.where(np.arange(len(LABELS)) == _HAPPY, 0.7, 0.3 * _TYPICAL_SHARES / (1 - _TYPICAL_SHARES[_HAPPY]))
    like_others, happier = pupils(rng, np.concatenate([rates(rng, 1), mostly[None]]))[:, None]
    happy, neutral = (np.where(like_others >= 0, label, -1) for label in (_HAPPY, _NEUTRAL))
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
    windows: Ints = np.bincount(places, minlength=_WINDOWS * len(LABELS)).reshape(_WINDOWS, len(LABELS))
    baselines = np.bincount(window[_followed(seen)], minlength=_WINDOWS)
    both: Ints = np.concatenate([windows, baselines[:, None]], axis=1)
    return np.pad(both, ((_EMPTY_WINDOWS, _EMPTY_WINDOWS), (0, 0)))


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
        if self._absent and self._shown is not None:
            self.passed.append(self.passed[-1])  # of a group that has just left
            return
        held = self._secret.passed
        self.passed.append(
            (0,) * len(_FIGURES) if self._shown is None else tuple(held.get(name, 0) for name in _FIGURES)
        )


def publish(windows: Ints, privacy: PrivacySettings, rng: np.random.Generator) -> Published:
    """Let the device's own code publish a lesson; ``windows`` as from :func:`counts`."""
    clock = _Clock()
    session = Session("01JD5W7T4KQ2AAAA", clock)
    builder = MessageBuilder(Settings(privacy=privacy), ModelIdentity(FER2013, "9f86d081884c"), clock)
    control = _Watched(privacy, rng) if privacy.blur else None
    figures, sizes = np.zeros((len(windows), len(LABELS) + 4)), np.zeros(len(windows))
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
    lesson = slice(_EMPTY_WINDOWS, -_EMPTY_WINDOWS)
    health = _health(windows[lesson, :-1].sum(1) / WINDOW_S, privacy, rng)
    figures, sizes = figures[lesson], sizes[lesson]
    if control is None:
        return Published(figures, sizes, health)
    passed = np.array(control.passed)
    return Published(figures, sizes, health, (*control.blocks, len(windows)), passed, control.drawn)


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
    figures: Figures | None = control.add(totals)
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
    known = (others[_EMPTY_WINDOWS:-_EMPTY_WINDOWS] / WINDOW_S).reshape(_STEPS, _STEP_WINDOWS, -1).mean(1)
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


def boost(inputs: Floats, truth: Ints) -> Callable[[Floats], Ints]:
    """Gradient boosting: small decisions, each by one input, that mend the errors of those before; how to guess."""
    edges = np.quantile(inputs, np.linspace(0, 1, _BINS + 1)[1:-1], axis=0)
    above = (inputs[:, None, :] > edges).reshape(len(inputs), -1).astype(np.float64)
    many = above.sum(0)
    useful = (many > 20) & (len(inputs) - many > 20)
    score, decisions = np.zeros(len(inputs)), []
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-score))
        error, weight = truth - chance, chance * (1 - chance)
        over, over_weight = error @ above, weight @ above + 1.0
        under, under_weight = error.sum() - over, weight.sum() - over_weight + 2.0
        gain = np.where(useful, over**2 / over_weight + under**2 / under_weight, -1.0)
        best = int(gain.argmax())
        steps = _STEP * under[best] / under_weight[best], _STEP * over[best] / over_weight[best]
        decisions.append((best, *steps))
        score += np.where(above[:, best] > 0, steps[1], steps[0])

    def says(others: Floats) -> Ints:
        there = (others[:, None, :] > edges).reshape(len(others), -1)
        total = sum(np.where(there[:, place], high, low) for place, low, high in decisions)
        guesses: Ints = (np.asarray(total) > 0).astype(np.int64)
        return guesses

    return says


def block_values(windows: Ints, blocks: Sequence[int]) -> Floats:
    """By what the defence judges each figure at the end of each block but the last, ``(blocks, figures)``."""
    lengths = np.diff(blocks[:-1])[:, None] * WINDOW_S
    mean = np.add.reduceat(windows[: blocks[-2]], blocks[:-2], axis=0) / lengths
    values: Floats = np.concatenate([mean[:, :-1].sum(1, keepdims=True), mean], axis=1)
    values[:, _UNJUDGED] = 0.0
    return values


def judged_blocks(
    faces: Floats, least: int, drops: Iterator[int] | Sequence[int], restarts: Sequence[int] = (), lingers: int = 0
) -> Ints:
    """After which blocks figures are judged: 1.

    0 is a block that is dropped, -1 one without a group, and -2 one in which the figures of the last still stand.

    Args:
        faces: How many there are in each block.
        least: The smallest group.
        drops: How many blocks are dropped each time that a group comes.
        restarts: In which blocks the device is restarted.
        lingers: For how many blocks figures stand when a group has left.
    """
    drops = iter(drops)
    judged = np.zeros(len(faces), np.int64)
    left = -len(faces)
    dropped, absent = 0, True
    for number, there in enumerate((faces >= least).tolist()):
        if number in restarts or not there:
            dropped, absent = 0, True
            if number and judged[number - 1] == 1 and not there:
                left = number
            judged[number] = 0 if there else -2 if number < left + lingers else -1
            continue
        if absent:
            dropped, absent = next(drops), False
        if dropped:
            dropped -= 1
        else:
            judged[number] = 1
    return judged


def _leaves(faces: Floats, least: int) -> int:
    """After which block there is no group any more."""
    return len(faces) - int((faces >= least)[::-1].argmax())


def passed_thresholds(values: Floats, judged: Ints, thresholds: Floats, periods: Floats, least: int) -> Ints:
    """How many thresholds figures pass from the end of each block on, as ``DisclosureControl`` decides it.

    Args:
        values: ``(lessons, blocks, figures)``.
        judged: ``(lessons, blocks)``, as from :func:`judged_blocks`.
        thresholds: ``(secrets, figures)``, in faces.
        periods: ``(figures,)``, in faces; negative for that of the group.
        least: The smallest group.

    Returns:
        ``(lessons, blocks, secrets, figures)``; 0 where nothing is published.
    """
    passed = np.zeros((len(values), *thresholds.shape), np.int64)
    ceiling, found = np.full(passed.shape, 99), []
    for block in range(values.shape[1]):
        faces, at = values[:, block, None, :], judged[:, block, None, None] > 0
        gone = judged[:, block, None, None] < 0
        standing = np.where(judged[:, block, None, None] == -2, passed, 0)
        passed = np.where(gone & (periods < 0), 0, passed)
        ceiling = np.where(gone, 99, ceiling)
        now, still = (
            np.floor((faces - thresholds + lower) / np.abs(periods)).astype(np.int64) + 1 for lower in (0.0, HYSTERESIS)
        )
        reached = np.maximum(0, np.minimum(np.maximum(passed, now), still))
        reached = np.where(periods < 0, np.maximum(reached, np.minimum(passed, 1)), reached)
        reached = np.minimum(np.where(faces >= least, reached, 0), ceiling)
        ceiling = np.where(at & (reached < passed) & (periods > 0), reached, ceiling)
        passed = np.where(at, reached, passed)
        found.append(np.where(at, passed, standing))
    levels: Ints = np.stack(found, axis=1)
    return levels


def ranges(privacy: PrivacySettings) -> Floats:
    """For each figure the begin and the width of its threshold's range, and its period as above; in faces."""
    found = np.array([figure_range(name, privacy.min_group, privacy.blur) for name in _FIGURES], np.float64)
    found[_FIGURES.index(GROUP), 2] *= -1
    return found


def replay(windows: Ints, published: Published, privacy: PrivacySettings, shares: Floats) -> Ints:
    """How many thresholds each figure would have passed in a lesson in which as many blocks were dropped.

    Args:
        windows: As from :func:`counts`.
        published: What the device has published. Its blocks are those of the lesson.
        privacy: The device's settings.
        shares: Where thresholds lie in their ranges, from 0 to 1, ``(secrets, figures)``.

    Returns:
        ``(secrets, blocks, figures)``.
    """
    assert published.passed is not None
    values = block_values(windows, published.blocks)
    lowest, width, periods = ranges(privacy).T
    thresholds = lowest + width * shares
    seen = published.passed[1:, 0] > 0
    first = int(np.argmax(values[:, 0] >= privacy.min_group))
    dropped = int(np.argmax(seen)) - first if seen.any() else RETURN_BLOCKS[0]
    drops = [min(max(dropped, RETURN_BLOCKS[0]), RETURN_BLOCKS[-1])] * len(values)
    lingers = int(seen.any() and seen[min(len(seen) - 1, _leaves(values[:, 0], privacy.min_group))])
    judged = judged_blocks(values[:, 0], privacy.min_group, drops, lingers=lingers)
    levels = passed_thresholds(values[None], judged[None], thresholds, periods, privacy.min_group)[0]
    # Before the end of the first block nothing is published.
    return np.pad(levels.transpose(1, 0, 2), ((0, 0), (1, 0), (0, 0)))


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
            again = replay(windows, published, privacy, thresholds)
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
    def of(cls, figure: str, values: Floats, judged: Ints, privacy: PrivacySettings) -> _Outcomes:
        """Those of one figure; ``values`` and ``judged`` are ``(2, blocks)``."""
        lowest, width, period = ranges(privacy)[_FIGURES.index(figure)]
        turns = np.unique(values[judged > 0])[:, None] - lowest + np.array([0.0, HYSTERESIS])
        inside = (turns.ravel()[:, None] - abs(period) * np.arange(4)).ravel()
        edges = np.unique(np.concatenate([[0.0, width], inside[(inside > 0) & (inside < width)]]))
        middles = lowest + (edges[1:] + edges[:-1]) / 2
        one = np.array([period])
        levels = passed_thresholds(values[:, :, None], judged, middles[:, None], one, privacy.min_group)
        return cls(np.diff(edges) / width, np.ascontiguousarray(levels[..., 0].transpose(0, 2, 1)))

    def likely(self, shown: NDArray[np.bool_]) -> dict[bytes, Floats]:
        """How likely everything is under both hypotheses that may be seen in these blocks."""
        sums: dict[bytes, Floats] = {}
        for bit in (0, 1):
            for length, row in zip(self.lengths.tolist(), self.levels[bit][:, shown], strict=True):
                sums.setdefault(row.tobytes(), np.zeros(2))[bit] += length
        return sums


def limit(
    one: Ints, other: Ints, blocks: Sequence[int], privacy: PrivacySettings, restarts: Sequence[int] = ()
) -> float:
    """By how much what the device says differs between two lessons (total variation, 0 to 1).

    Half of it is what any attacker can be better than chance who knows all but the device's thresholds, how many blocks
    it dropped when the class came, and for how many figures stood when it had gone. It even knows when blocks end.

    Args:
        one: A lesson, as from :func:`counts`.
        other: The same with something else that the one more pupil shows.
        blocks: First window of each block, and the window after the last.
        privacy: The device's settings.
        restarts: In which blocks the device is restarted.
    """
    values = np.stack([block_values(windows, blocks) for windows in (one, other)])
    first = (values[:, :, 0] >= privacy.min_group).argmax(1).tolist()
    last = [_leaves(way[:, 0], privacy.min_group) for way in values]
    begins = [{begin + dropped for dropped in RETURN_BLOCKS} for begin in first]
    ends = [{end + stood for stood in LEAVING_BLOCKS} for end in last]
    # Where the class came a block later, the device may have dropped one less, so that all looks alike from outside.
    total = float(len(begins[0] - begins[1])) * len(LEAVING_BLOCKS)
    for begin in begins[0] & begins[1]:
        total += len(ends[0] - ends[1])
        for end in ends[0] & ends[1] if last[0] != last[1] else {last[0]}:
            judged = np.stack(
                [
                    judged_blocks(
                        values[way, :, 0],
                        privacy.min_group,
                        [begin - first[way], *RETURN_BLOCKS * len(blocks)],
                        restarts,
                        end - last[way],
                    )
                    for way in (0, 1)
                ]
            )
            likely = np.array(list(_said(values, judged, privacy).values()))
            apart = float(np.abs(likely[:, 0] - likely[:, 1]).sum()) / 2
            total += apart if last[0] != last[1] else apart * len(LEAVING_BLOCKS)
    return total / len(RETURN_BLOCKS) / len(LEAVING_BLOCKS)


def _said(values: Floats, judged: Ints, privacy: PrivacySettings) -> dict[bytes, Floats]:
    """How likely the device says what in two lessons.

    Args:
        values: By what figures are judged in both, ``(2, blocks, figures)``.
        judged: ``(2, blocks)``, as from :func:`judged_blocks`.
        privacy: The device's settings.
    """
    group = _Outcomes.of(GROUP, values[:, :, 0], judged, privacy)
    largest = np.where(judged[:, :, None] > 0, values, 0.0).max((0, 1))
    figures = []
    for place, name in enumerate(_FIGURES[1:], 1):
        if largest[place] > figure_range(name, privacy.min_group, privacy.blur)[0]:
            figure = _Outcomes.of(name, values[:, :, place], judged, privacy)
            if (figure.levels[0] != figure.levels[1]).any():  # nothing is to be learnt from others
                figures.append(figure)
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


def limits(
    secrets: Sequence[str],
    moods: Sequence[str],
    lessons: int,
    group: int,
    privacy: PrivacySettings,
    seed: int,
    restarts: int = 0,
    happy: float = 0.2,
) -> list[Result]:
    """What no attacker can exceed, for all secrets and moods in the same lessons."""
    rng = np.random.default_rng([seed, 2])
    differ: dict[tuple[str, str], list[float]] = {(secret, mood): [] for secret in secrets for mood in moods}
    for _ in range(lessons):
        room, blocks = the_others(rng, group, merrier(happy)), blocks_of(rng, privacy)
        restarted = rng.integers(4, len(blocks) - 1, restarts).tolist()
        for mood in moods:
            in_mood, merry = in_a_mood(rng, room, mood)
            others = counts(in_mood)
            for secret in secrets:
                one, other = (others + counts(shown) for shown in one_more(rng, secret, merry))
                differ[secret, mood].append(limit(one, other, blocks, privacy, restarted))
    return [_limit(secret, mood, np.array(shares)) for (secret, mood), shares in differ.items()]


def blocks_of(rng: np.random.Generator, privacy: PrivacySettings) -> list[int]:
    """Blocks as the device makes them: the first window of each, and the window after the last."""
    begins, ends_at = [], 0.0
    windows = _WINDOWS + 2 * _EMPTY_WINDOWS
    for window in range(windows):
        if window * WINDOW_S >= ends_at:
            begins.append(window)
            ends_at = window * WINDOW_S + privacy.hold_s * (1.0 + float(rng.random()))
    return [*begins, windows]


def attack(secret: str, mood: str, lessons: int, group: int, privacy: PrivacySettings, seed: int) -> list[Result]:
    """All attackers against lessons with and without the defence."""
    rng = np.random.default_rng([seed, *secret.encode(), *mood.encode()])
    open_privacy = PrivacySettings(level="summary", min_group=privacy.min_group, blur=0)
    truth = rng.integers(2, size=lessons)
    defended, exact, informed = [], [], []
    for index, bit in enumerate(truth.tolist()):
        room, merry = in_a_mood(rng, the_others(rng, group), mood)
        others = counts(room)
        windows = others + counts(one_more(rng, secret, merry)[bit])
        published = publish(windows, privacy, rng)
        defended.append(features(published, others))
        if index % _EXACT_EVERY == 0:
            exact.append(features(publish(windows, open_privacy, rng), others))
        again = [[others + counts(shown) for shown in one_more(rng, secret, merry)] for _ in range(2)]
        both = [lesson[0] for lesson in again], [lesson[1] for lesson in again]
        informed.append(informed_guess(published, both, privacy, rng))
    results = [_result(secret, mood, "informed", True, np.array(informed) == truth)]
    for is_defended, inputs, bits in (
        (True, np.array(defended), truth),
        (False, np.array(exact), truth[::_EXACT_EVERY]),
    ):
        folds = np.arange(len(inputs)) % _FOLDS
        learned, boosted = np.zeros((2, len(inputs)), np.int64)
        for fold in range(_FOLDS):
            here, rest = folds == fold, folds != fold
            learned[here] = guess(learn(inputs[rest], bits[rest]), inputs[here])
            boosted[here] = boost(inputs[rest], bits[rest])(inputs[here])
        results.append(_result(secret, mood, "learned", is_defended, learned == bits))
        results.append(_result(secret, mood, "boosted", is_defended, boosted == bits))
    return results


def _limit(secret: str, mood: str, differ: Floats) -> Result:
    """What no attacker can exceed, on average over the lessons."""
    mean, half = float(differ.mean()), 1.96 * float(differ.std()) / sqrt(len(differ))
    return Result(secret, mood, "any", True, *(round(0.5 + share / 2, 4) for share in (mean, mean - half, mean + half)))


def _result(secret: str, mood: str, attacker: str, defended: bool, right: NDArray[np.bool_]) -> Result:
    count, share, z = len(right), float(right.mean()), 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return Result(secret, mood, attacker, defended, round(share, 4), round(middle - half, 4), round(middle + half, 4))


def usefulness(lessons: int, group: int, privacy: PrivacySettings, seed: int) -> Usefulness:
    """What the figures are worth in lessons in which, for ten minutes, three of four pupils are happy."""
    rng = np.random.default_rng([seed, 1])
    shown, faces, shares, main, wrong, delays = [], [], [], [], [], []
    for _ in range(lessons):
        room, merry = in_a_mood(rng, the_others(rng, group), "swing")
        windows = counts(room)
        figures = publish(windows, privacy, rng).figures[_STEP_WINDOWS:-24]
        true = windows[_EMPTY_WINDOWS + _STEP_WINDOWS : -_EMPTY_WINDOWS - 24, :-1] / WINDOW_S
        true_shares = true / np.maximum(true.sum(1, keepdims=True), 1e-9)
        given, named = figures[:, 0] == 0, figures[:, 2:-2] > 0
        shown.append(given.mean())
        faces.append(np.abs(figures[given, 1] - true[given].sum(1)).mean() if given.any() else 0.0)
        shares.append(np.abs(figures[:, 2:-2] - true_shares)[named])
        besides = np.where(np.arange(len(LABELS)) == _NEUTRAL, 0.0, true_shares)
        most = besides.argmax(1)
        clear = given & (besides.max(1) > 0.5)
        main.append(named[np.arange(len(named)), most][clear])
        wrong.append(true_shares[named] < 0.2)
        window = int(merry.argmax()) // WINDOW_S - _STEP_WINDOWS
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
    lessons: Annotated[int, typer.Option(min=20, help="Lessons in which every secret is guessed.")] = 1000,
    group: Annotated[int, typer.Option(min=1, max=39, help="Pupils beside the one more.")] = 24,
    blur: Annotated[int, typer.Option(min=1, max=40, help="[privacy] blur.")] = PrivacySettings().blur,
    hold_s: Annotated[float, typer.Option(min=10, help="[privacy] hold_s.")] = PrivacySettings().hold_s,
    secret: Annotated[list[str] | None, typer.Option(help="Only this one; may be repeated.")] = None,
    mood: Annotated[
        list[str] | None, typer.Option(help=f"Only this one of {', '.join(MOODS)}; may be repeated.")
    ] = None,
    restarts: Annotated[int, typer.Option(min=0, help="Limits alone: restarts of the device in a lesson.")] = 0,
    happy: Annotated[float, typer.Option(min=0, max=0.6, help="Limits alone: how often others are happy.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Which lessons.")] = 1,
    only_limits: Annotated[bool, typer.Option(help="What no attacker can exceed, and no attacks.")] = False,
    only_attacks: Annotated[bool, typer.Option(help="Attacks, and not what none can exceed.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Attack the summaries of simulated lessons, and say what their protection costs."""
    privacy = PrivacySettings(level="summary", blur=blur, hold_s=hold_s)
    secrets, moods = secret or list(SECRETS), mood or list(MOODS)
    results: list[Result] = []

    def tell(found: Sequence[Result]) -> None:
        results.extend(found)
        for result in found if not json else ():
            defence = "with the defence" if result.defended else "without"
            interval = f"{result.low:.1%} to {result.high:.1%}"
            says = f"{defence:17} {result.accuracy:6.1%}  ({interval})"
            typer.echo(f"{result.secret:14} {result.mood:6} {result.attacker:9} {says}")

    if not only_attacks:
        tell(limits(secrets, moods, lessons, group, privacy, seed, restarts, happy))
    if not (only_limits or restarts):
        for name in secrets:
            for way in moods:
                tell(attack(name, way, lessons, group, privacy, seed))
    cost = usefulness(min(200, max(20, lessons // 5)), group, privacy, seed)
    if json:
        typer.echo(jsonlib.dumps({"attacks": [asdict(result) for result in results], "cost": asdict(cost)}, indent=2))
    else:
        typer.echo("\n".join(f"{name:14} {value}" for name, value in asdict(cost).items()))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    run_app(app)
