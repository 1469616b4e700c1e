"""Devices with one fault each, by what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from edge_agent.conformance.played_device import Fields, PlayedDevice
from edge_agent.protocol.topics import EXPRESSION, SUMMARY

MUTANTS: dict[str, type[PlayedDevice]] = {}
"""By what is wrong with it."""


def mutant(what: str) -> Callable[[type[PlayedDevice]], type[PlayedDevice]]:
    """Register a device with a fault."""

    def register(kind: type[PlayedDevice]) -> type[PlayedDevice]:
        assert what not in MUTANTS, what
        MUTANTS[what] = kind
        return kind

    return register


def edited(what: str, edited_topic: str, change: Callable[[Fields], object]) -> None:
    """Register a device whose messages of one topic are changed before they are sent."""

    class Edited(PlayedDevice):
        def event(self, name: str, fields: Fields) -> Fields:
            message = super().event(name, fields)
            if name == edited_topic:
                number = message["seq"]
                change(message)
                self.events[(self.run.session, name, number)] = json.dumps(message).encode()
                message = message | {"session": self.run.session, "seq": number}
            return message

        def send(self, name: str, message: Fields, **options: Any) -> None:
            if name == edited_topic and name not in (EXPRESSION, SUMMARY):
                change(message)
            super().send(name, message, **options)

    mutant(what)(Edited)


def when(condition: Callable[[Fields], bool], change: Callable[[Fields], object]) -> Callable[[Fields], object]:
    """A change of those messages for which the condition holds."""
    return lambda message: change(message) if condition(message) else None


def setting(**values: Any) -> Callable[[Fields], object]:
    """A change that sets fields."""
    return lambda message: message.update(values)


def dropping(name: str) -> Callable[[Fields], object]:
    """A change that takes a field away."""

    def change(message: Fields) -> None:
        message.pop(name, None)

    return change


def born(message: Fields) -> bool:
    """Whether a status is a birth."""
    return bool(message["state"] == "online")


def dead(message: Fields) -> bool:
    """Whether a status is a death."""
    return bool(message["state"] == "offline")
