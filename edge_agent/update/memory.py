"""What a device knows of its model updates, kept on the disk with every change."""

from __future__ import annotations

import logging

from edge_agent.errors import InputError
from edge_agent.update.state import UpdateState
from edge_agent.update.store import ModelFolder

log = logging.getLogger(__name__)


class Memory:
    """The state of updates. One thread only.

    Args:
        folder: Where it is kept.

    Attributes:
        state: As it is now.
    """

    def __init__(self, folder: ModelFolder) -> None:
        self._folder = folder
        self.state: UpdateState = folder.state()

    def change(self, state: UpdateState) -> None:
        """Go on with another state. Where it cannot be stored, the log says so, and the agent does its work."""
        if state == self.state:
            return
        self.state = state
        try:
            if state != self._folder.state():
                self._folder.remember(state)
        except InputError as error:
            log.error("what is known of model updates cannot be stored: %s", error)
