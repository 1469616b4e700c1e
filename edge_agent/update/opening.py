"""Which model the agent begins with, or goes back to: the first that can be used of those it may."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_agent.config import ClassifierSettings
from edge_agent.errors import ModelError
from edge_agent.update.memory import Memory
from edge_agent.update.source import ModelSource, source_of
from edge_agent.update.state import lost
from edge_agent.update.store import ModelFolder
from edge_agent.vision.classifier import Classifier, model_path

log = logging.getLogger(__name__)


def open_model(settings: ClassifierSettings, memory: Memory, folder: ModelFolder) -> tuple[Classifier, ModelSource]:
    """The model that the settings name, or the remembered one of the fleet's, or the one that came with the agent.

    A model of the fleet's that cannot be used is passed over, and forgotten.

    Raises:
        ModelError: The one that the settings name, or that came with the agent, cannot be used.
    """

    def load(path: Path | None) -> Classifier:
        return Classifier.load(path, runtime=settings.runtime, threads=settings.threads)

    if settings.model:
        source = ModelSource("settings", model_path(settings.model))
        return load(source.path), source
    while memory.state.current is not None:
        source = source_of(memory.state, folder)
        try:
            if source.path is None:
                raise ModelError(f"{folder.bundle(memory.state.current)}: gone or damaged")
            return load(source.path), source
        except ModelError as error:
            log.error("the fleet's model cannot be used, the one before takes over: %s", error)
            memory.change(lost(memory.state))
    return load(None), ModelSource("bundled")
