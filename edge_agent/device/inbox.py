"""What comes in from the broker, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_agent.device.home_assistant import HomeAssistant
from edge_agent.mqtt.events import Received

Receive = Callable[[Received], None]


class Inbox:
    """Passes messages on, on the publisher's thread.

    Args:
        own: Who reads the device's own topics, by full topic.
        home_assistant: The device's place in Home Assistant, which reads topics where the broker allows it.
        other: Who reads everything else.
        asker_commands: The filter of the askers' request topics, subscribed to where the broker allows it, and who
            reads them: it says whether a message was such a request.
    """

    def __init__(
        self,
        own: Mapping[str, Receive],
        home_assistant: HomeAssistant,
        other: Receive | None,
        asker_commands: tuple[str, Callable[[Received], bool]] | None = None,
    ) -> None:
        self._own, self._home_assistant, self._other = own, home_assistant, other
        self._asker_commands = asker_commands

    def filters(self) -> list[str]:
        """What to subscribe to."""
        return list(self._own)

    def optional_filters(self) -> list[str]:
        """What to subscribe to where the broker allows it."""
        return [
            *self._home_assistant.filters(),
            *([self._asker_commands[0]] if self._asker_commands is not None else []),
        ]

    def receive(self, message: Received) -> None:
        """A message has come in."""
        read = self._own.get(message.topic)
        if read is not None:
            read(message)
            return
        if self._asker_commands is not None and self._asker_commands[1](message):
            return
        self._home_assistant.received(message)
        if self._other is not None:
            self._other(message)
