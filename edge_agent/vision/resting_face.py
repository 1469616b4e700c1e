"""What a person's face looks like at rest, learnt while it is followed, and taken off its answers.

Some faces at rest look sad or angry to every classifier, all lesson long. So each track's typical answer is learnt, and
what makes it lean away from ``neutral`` is taken off later answers. The correction is limited: a face that is clearly
sad stays sad. What was learnt says how one face is usually read, as a number for each label, and nothing that could
recognise anybody. It is forgotten with the track, and so are the answers from which it was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import RestingFaceSettings
from edge_agent.model_format.labels import NEUTRAL

_SAMPLE_EVERY_S = 1.0
_MAX_SAMPLES = 1800
"""Half an hour of samples: what a face shows for a few minutes does not become its rest."""

_LEAD = 0.7
"""By how much ``neutral`` is to lead at rest, as a difference of logarithms: twice as likely as any other label."""

_SMALLEST = 1e-6


def resting_offsets(answers: NDArray[np.float64], neutral: int, max_offset: float) -> NDArray[np.float64]:
    """What is taken off the logarithm of each label's probability.

    In the median over time each other label becomes at most half as likely as ``neutral``, as far as the limit allows.
    Labels that are rarer at rest are left alone.

    Args:
        answers: Logarithms of probabilities, ``float64 (N, K)``, one row for each moment.
        neutral: Column of ``neutral``.
        max_offset: The limit.

    Returns:
        ``float64 (K,)``, each from 0 to ``max_offset``; 0 for ``neutral``.
    """
    lead_over_neutral = np.median(answers - answers[:, neutral : neutral + 1], axis=0)
    offsets: NDArray[np.float64] = np.clip(lead_over_neutral + _LEAD, 0.0, max_offset)
    offsets[neutral] = 0.0
    return offsets


@dataclass(slots=True)
class _Track:
    """What is known of one face; of more samples than fit, the oldest are overwritten."""

    first_at: float
    sampled_at: float
    samples: NDArray[np.float64]
    taken: int = 0
    offsets: NDArray[np.float64] | None = None

    def add(self, answer: NDArray[np.float64]) -> None:
        self.samples[self.taken % len(self.samples)] = answer
        self.taken += 1

    def answers(self) -> NDArray[np.float64]:
        return self.samples[: self.taken]


class RestingFaces:
    """Learns the typical answer of each track and corrects later answers by it.

    Args:
        labels: Names of the outputs. Without ``neutral`` among them nothing is corrected.
        settings: After how long, and how far.
    """

    def __init__(self, labels: tuple[str, ...], settings: RestingFaceSettings) -> None:
        self._settings = settings
        self._neutral = labels.index(NEUTRAL) if settings.learn and NEUTRAL in labels else None
        self._tracks: dict[str, _Track] = {}

    def correct(self, track: str, probabilities: NDArray[np.float32], now: float) -> NDArray[np.float32]:
        """Learn from an answer and correct it.

        Args:
            track: Whose answer.
            probabilities: ``float32 (K,)``, summing to 1.
            now: Monotonic seconds of the frame.

        Returns:
            ``float32 (K,)``, summing to 1; the same numbers as long as the track is too young.
        """
        if self._neutral is None:
            return probabilities
        known = self._tracks.get(track)
        if known is None:
            samples = np.empty((_MAX_SAMPLES, len(probabilities)))
            known = self._tracks[track] = _Track(first_at=now, sampled_at=-np.inf, samples=samples)
        answer = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
        if now - known.sampled_at >= _SAMPLE_EVERY_S:
            known.sampled_at = now
            known.add(answer)
            if now - known.first_at >= self._settings.after_s:
                known.offsets = resting_offsets(known.answers(), self._neutral, self._settings.max_offset)
        if known.offsets is None:
            return probabilities
        corrected = np.exp(answer - known.offsets)
        return np.asarray(corrected / corrected.sum(), np.float32)

    def is_known(self, track: str) -> bool:
        """Whether answers of a track are corrected."""
        known = self._tracks.get(track)
        return known is not None and known.offsets is not None

    def forget(self, track: str) -> None:
        """Drop all that was learnt of a track."""
        self._tracks.pop(track, None)
