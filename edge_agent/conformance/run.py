"""Judges a device."""

from __future__ import annotations

import os
from collections.abc import Callable

from edge_agent.conformance.checks import DEVICE_CLAUSES
from edge_agent.conformance.clauses import Verdict, judge
from edge_agent.conformance.observer import Observer
from edge_agent.conformance.operator import Operator, Plan, Starter
from edge_agent.conformance.record import Record
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics


def judge_device(
    broker: Broker, topics: Topics, plan: Plan, starter: Starter | None, say: Callable[[str], None]
) -> list[Verdict]:
    """Watch a device, ask it and steer it, and judge it by every clause.

    Args:
        broker: Where it is.
        topics: Its topics.
        plan: What to do; the asker is made up here.
        starter: Starts and ends the device; ``None`` where that is not ours to do.
        say: Called with what is being done.

    Raises:
        BrokerError: The broker cannot be reached or refuses this client.
        CheckFailed: There is no device.
    """
    record = record_device(broker, topics, plan, starter, say)
    return judge(DEVICE_CLAUSES, record)


def record_device(
    broker: Broker, topics: Topics, plan: Plan, starter: Starter | None, say: Callable[[str], None]
) -> Record:
    """The same without the judgement."""
    asker = f"{broker.username or '-'}/conformance-{os.urandom(4).hex()}"
    plan = Plan(plan.seconds, plan.patience_s, plan.will_s, plan.mute, asker)
    record = Record(topics, broker.protocol)
    with Observer(broker, record, asker) as observer:
        Operator(observer, record, plan, starter, say).run()
    return record
