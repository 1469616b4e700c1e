"""From a track's flickering probabilities to an expression stable enough to publish.

Three brakes, each with its own setting: probabilities are averaged over time, a new expression must lead by a margin,
and it must keep the lead for a while. Under a floor of confidence the answer is ``uncertain``: abstaining is a result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.types import Box, ChangeKind, ExpressionChange


@dataclass(frozen=True, slots=True)
class TrackState:
    """What is believed of one track.

    Attributes:
        average: Smoothed probabilities, ``float64 (K,)``, summing to 1.
        classified_at: Monotonic seconds of the latest classification.
        stable: The published expression; ``None`` before the first.
        stable_since: When it became stable.
        candidate_label: An expression that would take over if it holds; ``None`` where there is none.
        candidate_since: Since when it has been ahead.
    """

    average: NDArray[np.float64]
    classified_at: float
    stable: str | None = None
    stable_since: float = 0.0
    candidate_label: str | None = None
    candidate_since: float = 0.0


def advance(
    state: TrackState | None,
    probabilities: NDArray[np.float32],
    now: float,
    labels: tuple[str, ...],
    settings: SmoothingSettings,
) -> TrackState:
    """The belief after one more classification.

    Args:
        state: The belief before; ``None`` for a face's first.
        probabilities: ``(K,)``, in the order of ``labels``.
        now: Monotonic seconds of the frame that was classified.
        labels: Names of the outputs.
        settings: The brakes.
    """
    latest = probabilities.astype(np.float64)
    if state is None:
        state = TrackState(average=latest, classified_at=now)
    else:
        weight = 1.0 - 0.5 ** (max(0.0, now - state.classified_at) / settings.half_life_s)
        state = replace(state, average=state.average + weight * (latest - state.average), classified_at=now)
    wanted = _wanted(state, labels, settings)
    if wanted == state.stable:
        return replace(state, candidate_label=None)
    if wanted != state.candidate_label:
        state = replace(state, candidate_label=wanted, candidate_since=now)
    if now - state.candidate_since < settings.hold_s:
        return state
    return replace(state, stable=wanted, stable_since=now, candidate_label=None)


def _wanted(state: TrackState, labels: tuple[str, ...], settings: SmoothingSettings) -> str:
    """What the averaged probabilities ask for, given what is stable now."""
    best = int(np.argmax(state.average))
    floor = settings.uncertain_below + (settings.uncertain_band if state.stable == UNCERTAIN else 0.0)
    if state.average[best] < floor:
        return UNCERTAIN
    if state.stable in labels:
        lead = state.average[best] - state.average[labels.index(state.stable)]
        if lead < settings.switch_margin:
            return state.stable
    return labels[best]


class Smoother:
    """Keeps one belief per track and reports when the stable expression starts, changes or ends."""

    def __init__(self, labels: tuple[str, ...], settings: SmoothingSettings) -> None:
        self._labels, self._settings = labels, settings
        self._states: dict[str, TrackState] = {}

    def classified_at(self, track: str) -> float | None:
        """When a track was last classified; ``None`` if never."""
        state = self._states.get(track)
        return None if state is None else state.classified_at

    def stable(self, track: str) -> str | None:
        """The stable expression of a track; ``None`` before its first."""
        state = self._states.get(track)
        return None if state is None else state.stable

    def abstain(self, track: str, box: Box, now: float) -> ExpressionChange | None:
        """Take note that nothing can be read from a face: the same as an answer in which all labels are as likely."""
        return self.update(track, np.full(len(self._labels), 1.0 / len(self._labels), np.float32), box, now)

    def update(self, track: str, probabilities: NDArray[np.float32], box: Box, now: float) -> ExpressionChange | None:
        """Take a classification; the change it causes, if any."""
        before = self._states.get(track)
        after = advance(before, probabilities, now, self._labels, self._settings)
        self._states[track] = after
        previous = None if before is None else before.stable
        if after.stable is None or after.stable == previous:
            return None
        held = 0.0 if before is None or previous is None else now - before.stable_since
        kind = ChangeKind.START if previous is None else ChangeKind.CHANGE
        return self._change(kind, track, after, previous, held, box, now)

    def end(self, track: str, box: Box, now: float) -> ExpressionChange | None:
        """Forget a track; its last event, unless it never had a stable expression."""
        state = self._states.pop(track, None)
        if state is None or state.stable is None:
            return None
        return self._change(ChangeKind.END, track, state, state.stable, now - state.stable_since, box, now)

    def _change(
        self, kind: ChangeKind, track: str, state: TrackState, previous: str | None, held_s: float, box: Box, now: float
    ) -> ExpressionChange:
        assert state.stable is not None
        scores = {label: float(value) for label, value in zip(self._labels, state.average, strict=True)}
        return ExpressionChange(
            kind=kind,
            track=track,
            expression=state.stable,
            confidence=scores.get(state.stable, max(scores.values())),
            scores=scores,
            previous=previous,
            held_s=max(0.0, held_s),
            observed_at=now,
            box=box,
        )
