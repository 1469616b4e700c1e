"""The defence's decisions, computed for many secret thresholds at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from edge_agent.config import PrivacySettings
from edge_agent.model_format.labels import NEUTRAL
from edge_agent.privacy.disclosure import (
    GROUP,
    HYSTERESIS,
    figure_range,
)
from qa.summary_attack.lessons import EMPTY_WINDOWS, WINDOW_S, WINDOWS, Floats, Ints
from qa.summary_attack.publishing import FIGURES

_UNJUDGED: Final = FIGURES.index(NEUTRAL)


def blocks_of(rng: np.random.Generator, privacy: PrivacySettings) -> list[int]:
    """Blocks as the device makes them: the first window of each, and the window after the last."""
    begins, ends_at = [], 0.0
    windows = WINDOWS + 2 * EMPTY_WINDOWS
    for window in range(windows):
        if window * WINDOW_S >= ends_at:
            begins.append(window)
            ends_at = window * WINDOW_S + privacy.hold_s * (1.0 + float(rng.random()))
    return [*begins, windows]


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


def leaves(faces: Floats, least: int) -> int:
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
    found = np.array([figure_range(name, privacy.min_group, privacy.blur) for name in FIGURES], np.float64)
    found[FIGURES.index(GROUP), 2] *= -1
    return found
