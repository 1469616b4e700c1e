"""Effects of changes to a recipe, and whether they exceed chance: pure functions of correct and wrong predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from train.common.markdown import paragraph
from train.common.table import table

_Z_95 = 1.959963984540054
_T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's t for 95 % and 1 to 15 degrees of freedom."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """The effect of one change; shares and differences of shares.

    Attributes:
        name: The change.
        images: Number of held-out faces.
        accuracies: Accuracy on the held-out faces, one for each seed.
        accuracy: Their mean.
        gain: Difference of the mean from the base's; 0 for the base itself.
        margin: Half the width of the gain's 95 % interval; None where there are too few seeds to estimate it.
    """

    name: str
    images: int
    accuracies: tuple[float, ...]
    accuracy: float
    gain: float
    margin: float | None = msgspec.field(name="reach")

    @property
    def verdict(self) -> str:
        """The gain in words, compared with its interval."""
        if self.margin is None:
            return "chance of training not known"
        if abs(self.gain) <= self.margin:
            return "smaller than its interval"
        return "gain" if self.gain > 0 else "loss"


def effects(correct: Mapping[str, Sequence[NDArray[np.bool_]]]) -> tuple[Effect, ...]:
    """Compare every variant with the first.

    The interval counts two kinds of chance. The first is the choice of held-out faces: the variance, over faces, of the
    difference between the shares of seeds that classify a face correctly. The second is the randomness of a training:
    the variance of accuracy over seeds, pooled over all variants because one variant has too few seeds.

    Args:
        correct: For each variant one ``bool (N,)`` per seed, the base first, all for the same faces. Variants without
            any are left out.
    """
    tried = {name: np.stack(rows).astype(np.float64) for name, rows in correct.items() if rows}
    accuracies = {name: rows.mean(axis=1) for name, rows in tried.items()}
    base = next(iter(tried), "")
    degrees_of_freedom = sum(len(of_one) - 1 for of_one in accuracies.values())
    scatter = sum(float(((of_one - of_one.mean()) ** 2).sum()) for of_one in accuracies.values())
    found = []
    for name, rows in tried.items():
        margin = None
        if name != base and degrees_of_freedom and len(rows) > 1 and len(tried[base]) > 1:
            difference = rows.mean(axis=0) - tried[base].mean(axis=0)
            of_faces = float(difference.var(ddof=1)) / len(difference)
            of_seeds = scatter / degrees_of_freedom * (1 / len(rows) + 1 / len(tried[base]))
            margin = sqrt(_Z_95**2 * of_faces + _student_t(degrees_of_freedom) ** 2 * of_seeds)
        found.append(
            Effect(
                name=name,
                images=rows.shape[1],
                accuracies=tuple(float(share) for share in accuracies[name]),
                accuracy=float(accuracies[name].mean()),
                gain=float(accuracies[name].mean() - accuracies[base].mean()),
                margin=margin,
            )
        )
    return tuple(found)


def to_markdown(title: str, found: Sequence[Effect]) -> str:
    """The effects as a page in Markdown."""
    rows = []
    for effect in found:
        is_base = effect is found[0]
        seeds = ", ".join(f"{share:.2%}" for share in effect.accuracies)
        gain = "" if is_base else f"{100 * effect.gain:+.2f}"
        margin = "" if effect.margin is None else f"{100 * effect.margin:.2f}"
        rows.append(
            [
                effect.name,
                len(effect.accuracies),
                f"{effect.accuracy:.2%}",
                seeds,
                gain,
                margin,
                "" if is_base else effect.verdict,
            ]
        )
    header = ["change", "seeds", "accuracy", "by seed", "gain, points", "95 % interval, +-", "verdict"]
    note = paragraph(
        f"Accuracy of the last epoch on {found[0].images:,} held-out faces. The interval counts both the choice of the "
        "held-out faces and the scatter of trainings over seeds (pooled over all rows)."
    )
    return f"# {title}\n\n{table(header, rows)}\n\n{note}\n"


def _student_t(degrees_of_freedom: int) -> float:
    """Student's t for 95 %; over 15 degrees of freedom a close approximation."""
    if degrees_of_freedom <= len(_T_95):
        return _T_95[degrees_of_freedom - 1]
    return _Z_95 + 2.6 / degrees_of_freedom
