"""Errors a user can act on. Each says what was received, what was expected and what to do.

Commands catch :class:`AgentError`, print its one message and leave with its ``exit_code``; anything else that escapes
is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class AgentError(Exception):
    """Base of all errors that come from input, configuration or surroundings rather than from a bug.

    Args:
        subject: What is wrong, with the name of the file, key or address it is about.
        received: What was found there; omitted when the subject says it.
        expected: What would have been right.
        remedy: What the user can do about it, as an imperative sentence without its full stop, or a question.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, subject: str, *, received: object = None, expected: str = "", remedy: str = "") -> None:
        self.subject, self.received, self.expected, self.remedy = subject, received, expected, remedy
        found = [] if received is None else [f"got {received}"]
        wanted = [f"expected {expected}"] if expected else []
        detail = ", ".join(found + wanted)
        message = f"{subject}: {detail}" if detail else subject
        end = "" if remedy.endswith("?") else "."
        super().__init__(f"{message}. {remedy}{end}" if remedy else message)


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a function returns in place of its result where it does not accept what it was given.

    Attributes:
        reason: Why, in words for a person.
    """

    reason: str


class CheckFailed(AgentError):
    """A command that checks something found it wanting: `doctor`, `verify`."""

    exit_code = 1


class InputError(AgentError):
    """A file or value handed to a command is broken or of the wrong kind."""

    exit_code = 3


class ConfigError(AgentError):
    """The configuration file is missing, malformed or contradicts itself."""

    exit_code = 4


class ModelError(AgentError):
    """A model bundle, a detector's weights or the inference runtime cannot be used."""

    exit_code = 5


class CameraError(AgentError):
    """A frame source cannot be opened or has stopped delivering."""

    exit_code = 6


class BrokerError(AgentError):
    """The MQTT broker cannot be reached or refuses this client."""

    exit_code = 7
