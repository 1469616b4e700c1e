"""What the paper prints: its Tables VIII and IX, the baselines it quotes, and the trainings its curves show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DataName = Literal["fer2013", "ckplus"]
"""The paper's two data sets."""

EPOCHS = 50
BATCH_SIZE = 64
LEARNING_RATE = 1e-4


@dataclass(frozen=True)
class PrintedStatistics:
    """Four statistics of one training after its last epoch; accuracies from 0 to 1, losses in nats."""

    accuracy: float
    loss: float
    val_accuracy: float
    val_loss: float


PRINTED: dict[DataName, dict[str, PrintedStatistics]] = {
    "fer2013": {
        "paper-1": PrintedStatistics(0.9200, 0.2264, 0.6342, 1.4309),
        "paper-2": PrintedStatistics(0.9254, 0.2136, 0.6295, 1.4523),
        "paper-3": PrintedStatistics(0.8985, 0.2874, 0.6343, 1.3078),
        "paper-4": PrintedStatistics(0.6194, 1.0142, 0.5961, 1.0553),
    },
    "ckplus": {
        "paper-1": PrintedStatistics(0.8500, 0.3882, 0.8969, 0.3539),
        "paper-2": PrintedStatistics(0.9881, 0.0481, 0.9750, 0.1957),
        "paper-3": PrintedStatistics(0.9254, 0.2415, 0.9563, 0.1698),
        "paper-4": PrintedStatistics(0.8695, 0.3826, 0.9281, 0.5769),
        "paper-5": PrintedStatistics(0.8525, 0.4328, 0.9156, 0.6499),
        "paper-6": PrintedStatistics(0.9898, 0.0513, 0.9969, 0.1504),
        "paper-7": PrintedStatistics(0.9203, 0.2458, 0.9438, 0.1952),
        "paper-8": PrintedStatistics(0.8932, 0.3191, 0.9625, 0.4901),
    },
}
"""Table VIII (FER2013) and Table IX (CK+) by model."""

BASELINES = {"Jaiswal et al. 2020, model A": 0.70, "Jaiswal et al. 2020, model B": 0.67}
"""Accuracies on FER2013 that the paper quotes from its reference [5]."""

CURVES: dict[int, tuple[DataName, str]] = {
    1: ("fer2013", "paper-3"),
    2: ("fer2013", "paper-4"),
    3: ("ckplus", "paper-2"),
    4: ("ckplus", "paper-6"),
}
"""The trainings in its Figures 1 to 4, which show accuracy and loss over the epochs."""
