"""The first settings file of a device: asked for in a terminal, or made from a file of answers for many devices."""

from edge_agent.setup.answers import read_answers
from edge_agent.setup.found import Surroundings, look_around
from edge_agent.setup.interview import Interview
from edge_agent.setup.settings_file import complete, finished, write_settings

__all__ = [
    "Interview",
    "Surroundings",
    "complete",
    "finished",
    "look_around",
    "read_answers",
    "write_settings",
]
