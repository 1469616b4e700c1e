"""Attack the summaries of simulated lessons: can they give away one pupil to who knows all the others?

    python -m qa.summary_attack [--lessons 1000] [--blur 18] [--hold-s 100] [--group 24] [--json]

Every lesson hides one bit about one more pupil: whether he or she was there, came late, left early, or was happy. Two
attackers guess it. Both hold every published message, and know who of the others sits where and when.

- ``learned`` is a logistic regression. It has learned from as many other lessons with known truth. It sees the
  published figures in steps of five minutes, sizes and times of messages, all of ``health``, and what the others did.
- ``informed`` knows the defence, the ends of its blocks, and the expression of each of the others at each second. All
  it does not know are the secret thresholds. It plays the lesson again with many of them under both hypotheses. It
  believes the hypothesis under which the device says more often what it has said.
- ``any`` is no attacker but a limit to all of them: in how many cases the device says anything else at all.

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
from edge_agent.config import PrivacySettings, Settings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.model_format.labels import FER2013, OTHER, UNCERTAIN
from edge_agent.privacy.disclosure import DisclosureControl, Secret, WindowTotals, group_range
from edge_agent.protocol.messages import encode
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.types import WindowSummary
from edge_agent.vision.camera_state import CameraState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LABELS: Final = (*FER2013, UNCERTAIN)
_TYPICAL_SHARES: Final = np.array([0.04, 0.01, 0.03, 0.20, 0.07, 0.05, 0.45, 0.15])
"""How often each label is seen in a class."""
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
_SPELLS: Final = 300
"""More spells than a lesson has room for."""

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
        names = ("", *LABELS)
        self.drawn: dict[str, float] = dict(zip(names, self._rng.random(len(names)).tolist(), strict=True))
        self._value = b"drawn"


def pupil(rng: np.random.Generator, rates: Floats) -> Ints:
    """What a pupil shows in each second of a lesson: an index into :data:`LABELS`, -1 where unseen."""
    shown = np.searchsorted(np.cumsum(rates)[:-1], rng.random(_SPELLS))
    seen = np.repeat(shown, _lengths(rng, np.full(_SPELLS, _DWELL_S)))[:LESSON_S]
    turns = np.arange(_SPELLS) % 2
    hidden = np.repeat(turns, _lengths(rng, np.where(turns == 1, _HIDDEN_S, _SEEN_S)))[:LESSON_S]
    return np.where(hidden == 1, -1, seen)


def _lengths(rng: np.random.Generator, means_s: Floats) -> Ints:
    """Lengths of spells in seconds, which are distributed exponentially; together they are longer than a lesson."""
    lengths: Ints = rng.exponential(means_s).round().astype(np.int64)
    lengths[-1] += LESSON_S
    return lengths


def rates(rng: np.random.Generator) -> Floats:
    """How often a pupil shows each label."""
    own: Floats = rng.dirichlet(_TYPICAL_SHARES * _OWN_WAY)
    return own


def the_others(rng: np.random.Generator, group: int) -> Ints:
    """What the others show, ``(group, seconds)``. They come within five minutes and leave within two."""
    seconds = np.arange(LESSON_S)
    room = np.stack([pupil(rng, rates(rng)) for _ in range(group)])
    comes, goes = rng.uniform(0, _ARRIVE_S, group), LESSON_S - rng.uniform(0, _LEAVE_S, group)
    room[(seconds < comes[:, None]) | (seconds >= goes[:, None])] = -1
    return room


def one_more(rng: np.random.Generator, secret: str, bit: int) -> Ints:
    """What the one more pupil shows under one of the two hypotheses."""
    seconds = np.arange(LESSON_S)
    mostly = np.where(np.arange(len(LABELS)) == _HAPPY, 0.7, 0.3 * _TYPICAL_SHARES / (1 - _TYPICAL_SHARES[_HAPPY]))
    like_others = pupil(rng, rates(rng))
    seen = like_others >= 0
    always = {name: np.where(seen, label, -1) for name, label in (("happy", _HAPPY), ("neutral", _NEUTRAL))}
    happier = pupil(rng, mostly)
    nobody = np.full(LESSON_S, -1)
    first, second = (always["happy"], always["neutral"]) if bit else (always["neutral"], always["happy"])
    shown = {
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
    """Faces by label and window, ``(windows, labels)``, summed over the seconds of each window."""
    window = np.broadcast_to(np.arange(LESSON_S) // WINDOW_S, room.shape)[room >= 0]
    places = window * len(LABELS) + room[room >= 0]
    windows: Ints = np.bincount(places, minlength=_WINDOWS * len(LABELS)).reshape(_WINDOWS, len(LABELS))
    return windows


@dataclass(frozen=True)
class Published:
    """What left the device in a lesson.

    Attributes:
        figures: By window: whether suppressed, faces, the share of each label and of ``other``.
        sizes: Bytes of each summary.
        health: By step of five minutes: every number in ``health``.
        blocks: First window of each block and the window after the last one; empty without the defence.
        passed: By block, how many thresholds were passed: of the group and of each label. The figures follow from it.
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
        group = self._level("", *group_range(self._blur))
        self.passed.append((group, *(self._level(label, self._blur, self._blur) for label in LABELS)))


def publish(windows: Ints, privacy: PrivacySettings, rng: np.random.Generator) -> Published:
    """Let the device's own code publish a lesson; ``windows`` as from :func:`counts`."""
    clock = _Clock()
    session = Session("01JD5W7T4KQ2AAAA", clock)
    builder = MessageBuilder(Settings(privacy=privacy), ModelIdentity(FER2013, "9f86d081884c"), clock)
    control = _Watched(privacy, rng) if privacy.blur else None
    figures, sizes = np.zeros((_WINDOWS, len(LABELS) + 3)), np.zeros(_WINDOWS)
    last: WindowSummary | None = None
    for index, row in enumerate(windows.tolist()):
        clock.now = (index + 1.0) * WINDOW_S
        summary = _exact(index, row, privacy.min_group) if control is None else _disclosed(index, row, control)
        if last is not None and (last.faces, last.shares) == (summary.faces, summary.shares):
            figures[index], sizes[index] = figures[index - 1], sizes[index - 1]
            continue
        last, shares = summary, summary.shares or {}
        sizes[index] = len(encode(builder.summary(summary, session)))
        figures[index] = [summary.suppressed, summary.faces or 0, *(shares.get(name, 0) for name in (*LABELS, OTHER))]
    health = _health(windows.sum(1) / WINDOW_S, privacy, rng)
    if control is None:
        return Published(figures, sizes, health)
    return Published(figures, sizes, health, (*control.blocks, _WINDOWS), np.array(control.passed), control.drawn)


def _exact(index: int, row: Sequence[int], min_group: int) -> WindowSummary:
    """As :class:`~edge_agent.privacy.summary.SummaryWindow` sums a window up without the defence."""
    faces = sum(row)
    if faces < min_group * WINDOW_S:
        return WindowSummary(index * WINDOW_S, WINDOW_S, faces=None, shares=None, suppressed=True)
    shares = {label: count / faces for label, count in zip(LABELS, row, strict=True) if count}
    return WindowSummary(index * WINDOW_S, WINDOW_S, round(faces / WINDOW_S), shares, suppressed=False)


def _disclosed(index: int, row: Sequence[int], control: _Watched) -> WindowSummary:
    control.window = index
    seen = dict(zip(LABELS, row, strict=True))
    figures = control.add(WindowTotals(index * WINDOW_S, WINDOW_S, WINDOW_S, sum(row), seen))
    if figures is None:
        return WindowSummary(index * WINDOW_S, WINDOW_S, None, None, suppressed=True, approximate=True)
    return WindowSummary(
        index * WINDOW_S, WINDOW_S, figures.faces, dict(figures.shares), suppressed=False, approximate=True
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
    known = np.concatenate([others, others.sum(1, keepdims=True)], axis=1) / WINDOW_S
    known = known.reshape(_STEPS, _STEP_WINDOWS, -1).mean(1)
    known_shares = known[:, :-1] / np.maximum(known[:, -1:], 1e-9)
    # What is published less what there would be without the one more pupil; averaged over the lesson, too.
    apart = np.concatenate([steps[:, 1:2] - known[:, -1:], steps[:, 2:-1] - known_shares], axis=1)
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


def replay(windows: Ints, blocks: Sequence[int], privacy: PrivacySettings, thresholds: Floats) -> Ints:
    """Which thresholds each block passes, ``(secrets, blocks, figures)``, for many secrets at a time.

    Args:
        windows: As from :func:`counts`.
        blocks: First window of each block, and the window after the last.
        privacy: The device's settings.
        thresholds: ``(secrets, figures)``, from 0 to 1: of the group and of each label.
    """
    blur = privacy.blur
    group_blur, group_period = group_range(blur)
    width, period = (np.array([first, *[blur] * len(LABELS)]) for first in (group_blur, group_period))
    held = [windows[begin:end].mean(0) / WINDOW_S for begin, end in pairwise(blocks)]
    steady: Floats | None = None
    levels = []
    for number, row in enumerate([np.zeros(len(LABELS)), *held[:-1]]):
        block = np.concatenate([[row.sum()], row])
        if number > 1:  # the first block is dropped
            steady = block if steady is None else np.where(np.abs(block - steady) >= blur / 3, block, steady)
        above = (np.zeros(len(LABELS) + 1) if steady is None else steady) - privacy.min_group - width * thresholds
        levels.append(np.maximum(0, np.floor(above / period).astype(np.int64) + 1))
    return np.stack(levels, axis=1)


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
    shown = published.passed[:, :1] > 0
    seen = published.passed * shown
    for bit, lessons in enumerate(both):
        for windows in lessons:
            thresholds = rng.random((_REPLAYS, len(LABELS) + 1))
            again = replay(windows, published.blocks, privacy, thresholds) * np.where(
                np.arange(len(LABELS) + 1), shown, 1
            )
            # Thresholds are drawn independently, so the likelihoods of the figures multiply.
            agree = (again == seen).all(1).mean(0)
            likely[bit] += float(np.prod(agree + 0.1 / _REPLAYS))
    return int(rng.integers(2)) if likely[0] == likely[1] else int(likely[1] > likely[0])


def difference(
    both: tuple[Sequence[Ints], Sequence[Ints]],
    published: Published,
    privacy: PrivacySettings,
    rng: np.random.Generator,
) -> float:
    """For which share of all secrets the device says different things under the two hypotheses.

    Where it says the same, nobody can guess better than by chance. So half of this share is what any attacker can be
    better than chance, whatever it knows.
    """
    shares = []
    for one, other in zip(*both, strict=True):
        thresholds = rng.random((_REPLAYS, len(LABELS) + 1))
        first, second = (replay(windows, published.blocks, privacy, thresholds) for windows in (one, other))
        first, second = (levels * (levels[:, :, :1] > 0) for levels in (first, second))
        shares.append(float((first != second).any((1, 2)).mean()))
    return float(np.mean(shares))


def attack(secret: str, lessons: int, group: int, privacy: PrivacySettings, seed: int) -> list[Result]:
    """Both attackers against lessons with and without the defence."""
    rng = np.random.default_rng([seed, *secret.encode()])
    open_privacy = PrivacySettings(level="summary", min_group=privacy.min_group, blur=0)
    truth = rng.integers(2, size=2 * lessons)
    defended, exact, informed, differ = [], [], [], []
    for index, bit in enumerate(truth.tolist()):
        room = the_others(rng, group)
        others = counts(room)
        windows = others + counts(one_more(rng, secret, bit)[None])
        published = publish(windows, privacy, rng)
        defended.append(features(published, others))
        if index % _EXACT_EVERY == 0:
            exact.append(features(publish(windows, open_privacy, rng), others))
        if index >= lessons:
            both = [[others + counts(one_more(rng, secret, way)[None]) for _ in range(2)] for way in (0, 1)]
            informed.append(informed_guess(published, (both[0], both[1]), privacy, rng))
            differ.append(difference((both[0], both[1]), published, privacy, rng))
    results = [
        _limit(secret, np.array(differ)),
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


def _limit(secret: str, differ: Floats) -> Result:
    """What no attacker can exceed, on average over the lessons."""
    mean, half = float(differ.mean()), 1.96 * float(differ.std()) / sqrt(len(differ))
    return Result(secret, "any", True, *(round(0.5 + share / 2, 4) for share in (mean, mean - half, mean + half)))


def _result(secret: str, attacker: str, defended: bool, right: NDArray[np.bool_]) -> Result:
    count, share, z = len(right), float(right.mean()), 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / (1 + z * z / count)
    return Result(secret, attacker, defended, round(share, 4), round(middle - half, 4), round(middle + half, 4))


def usefulness(lessons: int, group: int, privacy: PrivacySettings, seed: int) -> Usefulness:
    """What the figures are worth in lessons in which, for ten minutes, three of four pupils are happy."""
    rng = np.random.default_rng([seed, 1])
    seconds = np.arange(LESSON_S)
    shown, faces, shares, main, wrong, delays = [], [], [], [], [], []
    for _ in range(lessons):
        room = the_others(rng, group)
        begins = int(rng.integers(600, 1800))
        mood = (rng.random(group) < 0.75)[:, None] & (seconds >= begins) & (seconds < begins + 600)
        windows = counts(np.where(mood & (room >= 0), _HAPPY, room))
        figures = publish(windows, privacy, rng).figures[_STEP_WINDOWS:-24]
        true = windows[_STEP_WINDOWS:-24] / WINDOW_S
        true_shares = true / np.maximum(true.sum(1, keepdims=True), 1e-9)
        given, named = figures[:, 0] == 0, figures[:, 2:-1] > 0
        shown.append(given.mean())
        faces.append(np.abs(figures[given, 1] - true[given].sum(1)).mean() if given.any() else 0.0)
        shares.append(np.abs(figures[:, 2:-1] - true_shares)[named])
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
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Attack the summaries of simulated lessons, and say what their protection costs."""
    privacy = PrivacySettings(level="summary", blur=blur, hold_s=hold_s)
    results: list[Result] = []
    for name in secret or SECRETS:
        found = attack(name, lessons, group, privacy, seed)
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
