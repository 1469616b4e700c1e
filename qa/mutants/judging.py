"""Lets the kit judge a device of this package."""

from __future__ import annotations

from edge_agent.conformance.operator import Plan
from edge_agent.conformance.played_device import PlayedDevice
from edge_agent.conformance.run import judge_device
from edge_agent.errors import CheckFailed
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics

PLAN = Plan(seconds=3.5, patience_s=3.0, will_s=3.0)
"""Quick: the played device speaks every 0.3 s."""


def caught_by(kind: type[PlayedDevice], port: int, name: str) -> list[str]:
    """The clauses that a device fails, by number; or that there is no device at all."""
    broker, topics = Broker("127.0.0.1", port), Topics("mutants", "qa", name)
    device = kind(broker, topics)
    try:
        verdicts = judge_device(broker, topics, PLAN, device, lambda _what: None)
    except CheckFailed:
        return ["no device"]
    finally:
        device.kill()
    return [f"{verdict.number}" for verdict in verdicts if verdict.result == "fail"]
