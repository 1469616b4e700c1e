"""What the defence costs: what its figures are worth in lessons in which the mood changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_agent.config import PrivacySettings
from qa.summary_attack.lessons import (
    EMPTY_WINDOWS,
    HAPPY,
    LABELS,
    NEUTRAL_LABEL,
    WINDOW_S,
    counts,
    in_a_mood,
    the_others,
)
from qa.summary_attack.publishing import STEP_WINDOWS, publish


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


def usefulness(lessons: int, group: int, privacy: PrivacySettings, seed: int) -> Usefulness:
    """What the figures are worth in lessons in which, for ten minutes, three of four pupils are happy."""
    rng = np.random.default_rng([seed, 1])
    shown, faces, shares, main, wrong, delays = [], [], [], [], [], []
    for _ in range(lessons):
        room, merry = in_a_mood(rng, the_others(rng, group), "swing")
        windows = counts(room)
        figures = publish(windows, privacy, rng).figures[STEP_WINDOWS:-24]
        true = windows[EMPTY_WINDOWS + STEP_WINDOWS : -EMPTY_WINDOWS - 24, :-1] / WINDOW_S
        true_shares = true / np.maximum(true.sum(1, keepdims=True), 1e-9)
        given, named = figures[:, 0] == 0, figures[:, 2:-2] > 0
        shown.append(given.mean())
        faces.append(np.abs(figures[given, 1] - true[given].sum(1)).mean() if given.any() else 0.0)
        shares.append(np.abs(figures[:, 2:-2] - true_shares)[named])
        besides = np.where(np.arange(len(LABELS)) == NEUTRAL_LABEL, 0.0, true_shares)
        most = besides.argmax(1)
        clear = given & (besides.max(1) > 0.5)
        main.append(named[np.arange(len(named)), most][clear])
        wrong.append(true_shares[named] < 0.2)
        window = int(merry.argmax()) // WINDOW_S - STEP_WINDOWS
        happy = named[window : window + 600 // WINDOW_S, HAPPY]
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
