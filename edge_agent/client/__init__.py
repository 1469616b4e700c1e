"""The client for dashboards: each event once, gaps filled, and honest liveness.

Print who is happy, and what can be said about the devices::

    from edge_agent.client import Arrived, Broker, Classroom, Expression, StateChanged

    with Classroom(Broker("broker.local")) as classroom:
        for notice in classroom:
            if isinstance(notice, StateChanged):
                print(notice.device.id, "is", notice.state.value)
            elif isinstance(notice, Arrived) and isinstance(notice.message, Expression):
                event = notice.message
                print(event.observed_at, notice.device.id, event.track, event.kind, event.expression)
"""

from edge_agent.client.classroom import Classroom
from edge_agent.client.events import (
    Arrived,
    BrokerChanged,
    Denied,
    Device,
    Lost,
    Missing,
    NotForwarded,
    Notice,
    Removed,
    StateChanged,
    Unreadable,
)
from edge_agent.client.gaps import Patience
from edge_agent.client.liveness import DeviceState
from edge_agent.client.timestamps import Dated
from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.catalogue import result_of
from edge_agent.protocol.messages import Expression, Health, Reply, ResendResult, SnapshotResult, Status, Summary

__all__ = [
    "Arrived",
    "Broker",
    "BrokerChanged",
    "BrokerError",
    "Classroom",
    "Dated",
    "Denied",
    "Device",
    "DeviceState",
    "Expression",
    "Health",
    "Lost",
    "Missing",
    "NotForwarded",
    "Notice",
    "Patience",
    "Removed",
    "Reply",
    "ResendResult",
    "SnapshotResult",
    "StateChanged",
    "Status",
    "Summary",
    "Unreadable",
    "result_of",
]
