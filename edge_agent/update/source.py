"""Which model a device runs, and where it comes from: its settings name it, the fleet published it, or it came with the
agent, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_agent.config import Settings
from edge_agent.system.data_folders import state_folder
from edge_agent.update.state import UpdateState
from edge_agent.update.store import ModelFolder
from edge_agent.vision.classifier import model_path


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where the model comes from.

    Attributes:
        source: ``settings``, ``fleet`` or ``bundled``.
        path: The bundle; ``None`` for the one that came with the agent.
        version: Of the publication, for the fleet's.
        on_probation: Whether it has yet to prove itself.
    """

    source: Literal["bundled", "settings", "fleet"]
    path: Path | None = None
    version: int = 0
    on_probation: bool = False

    def __str__(self) -> str:
        if self.source == "settings":
            return f"{self.path}, named by classifier.model in the settings"
        if self.source == "fleet":
            return f"published by the fleet as version {self.version}{', on probation' if self.on_probation else ''}"
        return "came with the agent"


def model_source(settings: Settings) -> ModelSource:
    """What the agent would run with these settings; looks, changes nothing."""
    if settings.classifier.model:
        return ModelSource("settings", model_path(settings.classifier.model))
    place = models_folder(settings)
    if not settings.update.key or place is None:
        return ModelSource("bundled")
    folder = ModelFolder(place)
    return source_of(folder.state(), folder)


def models_folder(settings: Settings) -> Path | None:
    """Where published models are kept; ``None`` for an agent that leaves nothing behind."""
    state = state_folder(settings)
    return None if state is None else state / "models"


def source_of(state: UpdateState, folder: ModelFolder) -> ModelSource:
    """The fleet's model where there is one and its file is whole, else the one that came with the agent."""
    if state.current is None or not folder.holds(state.current):
        return ModelSource("bundled")
    return ModelSource("fleet", folder.bundle(state.current), state.current.version, state.probation is not None)
