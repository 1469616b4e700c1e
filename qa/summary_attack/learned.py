"""The attackers that learn from lessons with known truth: logistic regression and gradient boosting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from qa.summary_attack.lessons import EMPTY_WINDOWS, LABELS, WINDOW_S, WINDOWS, Floats, Ints
from qa.summary_attack.publishing import STEP_WINDOWS, STEPS, Published

_ROUNDS, _STEP, _BINS = 100, 0.1, 8


def features(published: Published, others: Ints) -> Floats:
    """What the learned attacker looks at.

    Args:
        published: What left the device.
        others: What the others showed, as from :func:`counts`.
    """
    figures = published.figures
    shown = figures[:, 0] == 0
    steps = figures.reshape(STEPS, STEP_WINDOWS, -1).mean(1)
    known = (others[EMPTY_WINDOWS:-EMPTY_WINDOWS] / WINDOW_S).reshape(STEPS, STEP_WINDOWS, -1).mean(1)
    people = known[:, :-1].sum(1, keepdims=True)
    known = np.concatenate([known, people], axis=1)
    known_shares = known[:, : len(LABELS)] / np.maximum(people, 1e-9)
    # What is published less what there would be without the one more pupil; averaged over the lesson, too.
    apart = np.concatenate(
        [steps[:, 1:2] - people, steps[:, 2:-2] - known_shares, steps[:, -1:] - known[:, -2:-1]], axis=1
    )
    half = STEPS // 2
    changes = (np.abs(np.diff(figures, axis=0, prepend=figures[:1])).sum(1) > 0).astype(np.float64)
    first = float(np.argmax(shown)) if shown.any() else float(WINDOWS)
    parts = [
        steps.ravel(),
        apart.ravel(),
        apart.mean(0),
        apart[half:].mean(0) - apart[:half].mean(0),
        figures.mean(0),
        changes.reshape(STEPS, STEP_WINDOWS).sum(1),
        [first, published.sizes.sum()],
        published.sizes.reshape(STEPS, STEP_WINDOWS).mean(1),
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
