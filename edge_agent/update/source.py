"""Which model a device runs, and where it comes from.

The first of these that there is: the one that its settings name, the fleet's, the one that came with the agent.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_agent.config import ClassifierSettings, Settings
from edge_agent.errors import ConfigError, ModelError
from edge_agent.model_format.priors import DEFAULT_PRIOR
from edge_agent.system.data_folders import state_folder
from edge_agent.update.model_folder import ModelFolder, StateFile
from edge_agent.update.state import UpdateState, lost
from edge_agent.vision.classifier import Classifier, model_path

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where the model comes from.

    Attributes:
        source: ``settings``, ``fleet`` or ``bundled``.
        path: The bundle; ``None`` for the one that came with the agent.
        version: Of the fleet's model; 0 for others.
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
    """What the agent would run with these settings. Reads files and changes nothing."""
    if settings.classifier.model:
        return ModelSource("settings", model_path(settings.classifier.model))
    path = models_folder(settings)
    if not settings.update.key or path is None:
        return ModelSource("bundled")
    folder = ModelFolder(path)
    return source_of(folder.state(), folder)


def models_folder(settings: Settings) -> Path | None:
    """Where published models are kept; ``None`` for an agent that stores nothing."""
    state = state_folder(settings)
    return None if state is None else state / "models"


def source_of(state: UpdateState, folder: ModelFolder) -> ModelSource:
    """The fleet's model where there is one and its file is whole, else the one that came with the agent."""
    if state.current is None or not folder.holds(state.current):
        return ModelSource("bundled")
    return ModelSource("fleet", folder.bundle(state.current), state.current.version, state.probation is not None)


def load_model(settings: ClassifierSettings, path: Path | None, *, follows_fleet: bool) -> Classifier:
    """Open the model that an agent runs.

    On a device that follows the fleet, the shares in the settings may be for a model with other labels, which is yet to
    come. Until then the default prior holds.

    Args:
        settings: Runtime, threads and prior.
        path: The bundle; ``None`` for the one that came with the agent.
        follows_fleet: Whether the fleet may publish another model for this device.

    Raises:
        ModelError: It cannot be used.
        ConfigError: The prior of the settings has shares of other labels, and no other model can come.
    """
    try:
        return Classifier.load(path, runtime=settings.runtime, threads=settings.threads, prior=settings.prior)
    except ConfigError as error:
        if not follows_fleet:
            raise
        log.warning("the prior is '%s' until the fleet publishes a model with other labels: %s", DEFAULT_PRIOR, error)
    return Classifier.load(path, runtime=settings.runtime, threads=settings.threads, prior=DEFAULT_PRIOR)


def load_usable_model(
    settings: ClassifierSettings, state_file: StateFile, folder: ModelFolder
) -> tuple[Classifier, ModelSource]:
    """The model that the settings name, or the remembered one of the fleet's, or the one that came with the agent.

    A model of the fleet's that cannot be used is passed over and removed from the state.

    Raises:
        ModelError: The one that the settings name, or that came with the agent, cannot be used.
        ConfigError: The prior of the settings has shares of other labels than the model that they name.
    """
    if settings.model:
        source = ModelSource("settings", model_path(settings.model))
        return load_model(settings, source.path, follows_fleet=False), source
    while state_file.state.current is not None:
        source = source_of(state_file.state, folder)
        try:
            if source.path is None:
                raise ModelError(f"{folder.bundle(state_file.state.current)}: gone or damaged")
            return load_model(settings, source.path, follows_fleet=True), source
        except ModelError as error:
            log.error("the fleet's model cannot be used, the one before takes over: %s", error)
            state_file.change(lost(state_file.state))
    return load_model(settings, None, follows_fleet=True), ModelSource("bundled")
