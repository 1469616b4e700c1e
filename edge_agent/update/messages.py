"""What passes between the updater's thread, messaging and perception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge_agent.protocol.messages import ModelUpdate
from edge_agent.update.state import Baseline, Probation
from edge_agent.vision.classifier import Classifier


class Messaging(Protocol):
    """What the updater needs of the messenger."""

    def set_subscriptions(self, filters: list[str]) -> None:
        """Subscribe to these topics, and to no others set here before."""

    def report_model(self, update: ModelUpdate) -> None:
        """Let ``status`` report this."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that is ready to take over between two frames; with ``probation`` where it has yet to prove itself."""

    classifier: Classifier
    probation: Probation | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Perception has taken the model that was ready; ``baseline`` is how the device did until then."""

    baseline: Baseline | None


@dataclass(frozen=True, slots=True)
class Choice:
    """An operator wants this model, by its id, of those published; empty for the latest of them."""

    model_id: str
