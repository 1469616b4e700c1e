"""A live agent with a simulated class, and a plain subscriber beside the tool under test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.test_agent import agent
from tests.support.broker import Mosquitto, Subscriber

DEVICE = "north/pi-3a"
SCENE = (
    '[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 640\nheight_px = 480\n'
    '[privacy]\nlevel = "faces"\nmin_group = 2\n[summary]\nwindow_s = 1\n'
)


@dataclass(frozen=True)
class Classroom:
    """A device and who listens to it.

    Attributes:
        subscriber: Hears everything, with none of the project's code.
    """

    subscriber: Subscriber

    def said(self, name: str) -> list[dict[str, Any]]:
        """Every message of the device with this name, in the order of arrival."""
        return [json.loads(message.payload) for message in self.subscriber.on(name)]


@contextmanager
def running_classroom(broker: Mosquitto, folder: Path, more: str = "") -> Iterator[Classroom]:
    """Run an agent with a simulated class until the block ends."""
    with Subscriber(broker.port, ("classroom/#",)) as subscriber, agent(broker, folder, SCENE + more):
        yield Classroom(subscriber)
