"""What passes between the updater's thread, messaging and perception."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge_agent.protocol.messages import ModelUpdate
from edge_agent.update.state import Probation, Usual
from edge_agent.vision.classifier import Classifier


class Post(Protocol):
    """What of messaging the updater needs."""

    def set_subscriptions(self, filters: list[str]) -> None:
        """Hear these topics."""

    def report_model(self, update: ModelUpdate) -> None:
        """Let ``status`` tell this."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that is ready to take over between two frames; with ``probation`` where it has yet to prove itself."""

    classifier: Classifier
    probation: Probation | None


@dataclass(frozen=True, slots=True)
class Taken:
    """Perception has picked up what was ready; ``usual`` is how the device did until then."""

    usual: Usual | None


@dataclass(frozen=True, slots=True)
class Choice:
    """Of what is published, an operator wants this model alone, by its id; empty for whichever is the latest."""

    model_id: str
