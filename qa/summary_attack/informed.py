"""The attacker that knows the defence, and plays a lesson again with many secret thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from edge_agent.config import PrivacySettings
from edge_agent.privacy.disclosure import (
    RETURN_BLOCKS,
)
from qa.summary_attack.lessons import Floats, Ints
from qa.summary_attack.publishing import FIGURES, Published
from qa.summary_attack.thresholds import block_values, judged_blocks, leaves, passed_thresholds, ranges

_REPLAYS: Final = 150


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
    lingers = int(seen.any() and seen[min(len(seen) - 1, leaves(values[:, 0], privacy.min_group))])
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
    published_too = (published.passed[:, :1] > 0) | (np.arange(len(FIGURES)) == 0)
    for bit, lessons in enumerate(both):
        for windows in lessons:
            thresholds = rng.random((_REPLAYS, len(FIGURES)))
            again = replay(windows, published, privacy, thresholds)
            # Thresholds are drawn independently, so the likelihoods of the figures multiply.
            agree = ((again == published.passed) | ~published_too).all(1).mean(0)
            likely[bit] += float(np.prod(agree + 0.1 / _REPLAYS))
    return int(rng.integers(2)) if likely[0] == likely[1] else int(likely[1] > likely[0])
