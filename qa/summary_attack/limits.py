"""What no attacker can exceed: how far what the device says differs between two lessons, added up exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import PrivacySettings
from edge_agent.privacy.disclosure import (
    GROUP,
    HYSTERESIS,
    LEAVING_BLOCKS,
    RETURN_BLOCKS,
    figure_range,
)
from qa.summary_attack.lessons import Floats, Ints, counts, in_a_mood, merrier, one_more, the_others
from qa.summary_attack.publishing import FIGURES
from qa.summary_attack.results import Result, limit_result
from qa.summary_attack.thresholds import block_values, blocks_of, judged_blocks, leaves, passed_thresholds, ranges


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
        lowest, width, period = ranges(privacy)[FIGURES.index(figure)]
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
    last = [leaves(way[:, 0], privacy.min_group) for way in values]
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
    for place, name in enumerate(FIGURES[1:], 1):
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
    return [limit_result(secret, mood, np.array(shares)) for (secret, mood), shares in differ.items()]
