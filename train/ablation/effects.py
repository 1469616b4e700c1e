"""What changes to a recipe gave, and whether that is more than chance: pure functions of right and wrong answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from train.common.table import table

_Z_95 = 1.959963984540054
_T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's t for 95 % and 1 to 15 degrees of freedom."""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What one change gave; shares and differences of shares.

    Attributes:
        name: The change.
        images: Held-out faces it was judged on.
        accuracies: On the held-out faces, one a seed.
        accuracy: Their mean.
        gain: Of the mean over the base's; 0 for the base itself.
        reach: The 95 % interval of the gain reaches so far to either side; None where one seed cannot tell.
    """

    name: str
    images: int
    accuracies: tuple[float, ...]
    accuracy: float
    gain: float
    reach: float | None

    @property
    def verdict(self) -> str:
        """The gain in words."""
        if self.reach is None:
            return "chance of training not known"
        if abs(self.gain) <= self.reach:
            return "smaller than its interval"
        return "gain" if self.gain > 0 else "loss"


def effects(right: Mapping[str, Sequence[NDArray[np.bool_]]]) -> tuple[Effect, ...]:
    """Compare every variant with the first.

    Two kinds of chance are counted. Which faces are held out: the variance, over faces, of the difference between the
    shares of seeds that get a face right. How a training happens to go: the variance of accuracy over seeds, pooled
    over all variants, because two or three seeds of one tell little.

    Args:
        right: Variant to one ``bool (N,)`` a seed, the base first, all for the same faces. Variants without any are
            left out.
    """
    tried = {name: np.stack(rows).astype(np.float64) for name, rows in right.items() if rows}
    accuracies = {name: rows.mean(axis=1) for name, rows in tried.items()}
    base = next(iter(tried), "")
    freedom = sum(len(of_one) - 1 for of_one in accuracies.values())
    scatter = sum(float(((of_one - of_one.mean()) ** 2).sum()) for of_one in accuracies.values())
    found = []
    for name, rows in tried.items():
        reach = None
        if name != base and freedom and len(rows) > 1 and len(tried[base]) > 1:
            difference = rows.mean(axis=0) - tried[base].mean(axis=0)
            of_faces = float(difference.var(ddof=1)) / len(difference)
            of_seeds = scatter / freedom * (1 / len(rows) + 1 / len(tried[base]))
            student = _T_95[freedom - 1] if freedom <= len(_T_95) else _Z_95 + 2.6 / freedom
            reach = sqrt(_Z_95**2 * of_faces + student**2 * of_seeds)
        found.append(
            Effect(
                name=name,
                images=rows.shape[1],
                accuracies=tuple(float(share) for share in accuracies[name]),
                accuracy=float(accuracies[name].mean()),
                gain=float(accuracies[name].mean() - accuracies[base].mean()),
                reach=reach,
            )
        )
    return tuple(found)


def render(title: str, found: Sequence[Effect]) -> str:
    """The comparison as Markdown."""
    rows = []
    for effect in found:
        is_base = effect is found[0]
        seeds = ", ".join(f"{share:.2%}" for share in effect.accuracies)
        gain = "" if is_base else f"{100 * effect.gain:+.2f}"
        reach = "" if effect.reach is None else f"{100 * effect.reach:.2f}"
        rows.append(
            [
                effect.name,
                len(effect.accuracies),
                f"{effect.accuracy:.2%}",
                seeds,
                gain,
                reach,
                "" if is_base else effect.verdict,
            ]
        )
    header = ["change", "seeds", "accuracy", "by seed", "gain, points", "95 % interval, +-", "read as"]
    note = (
        f"Accuracy of the last epoch on {found[0].images:,} held-out faces. The interval counts both which faces were "
        "held out and how trainings scatter over seeds (pooled over all rows)."
    )
    return f"# {title}\n\n{table(header, rows)}\n\n{note}\n"
