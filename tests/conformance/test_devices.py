"""Devices before the kit: some that keep the contract, and some that do not."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.conformance.clauses import Verdict
from edge_agent.conformance.operator import Plan
from edge_agent.conformance.played_device import PlayedDevice
from edge_agent.conformance.program import Program
from edge_agent.conformance.run import judge_device
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics
from qa.mutants import MUTANTS
from qa.mutants.judging import PLAN, caught_by
from tests.conformance.conftest import failures
from tests.support.broker import Mosquitto

SOME = (
    "a birth after the first health",
    "a last will with a date",
    "two summaries in the wrong order",
    "a number used twice",
    "retained summaries",
    "QoS 0",
    "events for one asker also go to all",
    "an older request wins",
)
"""Quick to run; ``python -m qa.mutants`` runs them all."""


def judged(broker: Broker, name: str) -> list[Verdict]:
    device = PlayedDevice(broker, Topics("classroom", "played", name))
    try:
        return judge_device(broker, device.topics, PLAN, device, lambda _what: None)
    finally:
        device.stop()


def test_a_device_that_keeps_the_contract_fails_nothing(broker: Mosquitto) -> None:
    verdicts = judged(Broker(broker.host, broker.port), "whole")
    assert failures(verdicts) == []
    untested = [verdict for verdict in verdicts if verdict.result == "not tested"]
    assert {verdict.topic for verdict in untested} <= {"fields"}, "all but fields that may be absent is tested"


def test_the_embedded_broker_gives_the_same_verdict() -> None:
    pytest.importorskip("amqtt")
    from edge_agent.demo.embedded_broker import EmbeddedBroker

    with EmbeddedBroker() as embedded:
        verdicts = judged(Broker(embedded.host, embedded.port, "3.1.1"), "whole")
    assert failures(verdicts) == []
    untested = {verdict.number for verdict in verdicts if verdict.result == "not tested" and verdict.topic != "fields"}
    assert untested == {104, 117, 118, 119, 525, 529}, "what MQTT 3.1.1 and this broker do not show"


def test_devices_with_one_fault_are_caught(broker: Mosquitto) -> None:
    with ThreadPoolExecutor(len(SOME)) as pool:
        found = list(pool.map(lambda what: caught_by(MUTANTS[what], broker.port, f"m{SOME.index(what)}"), SOME))
    assert [what for what, clauses in zip(SOME, found, strict=True) if not clauses] == []


def test_there_are_more_than_fifty_faults() -> None:
    assert len(MUTANTS) >= 50


@pytest.mark.slow
def test_the_agent_keeps_the_contract(broker: Mosquitto, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(
        '[device]\nsite = "north"\nid = "pi-3a"\nroom = "2b"\n'
        '[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 640\nheight_px = 480\n'
        '[privacy]\nmin_group = 1\nlevel = "faces"\n[summary]\nwindow_s = 1\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\nhealth_every_s = 5\n'
        f'[outbox]\npath = "{tmp_path}/outbox.db"\n'
    )
    agent = Program(f"{sys.executable} -m edge_agent.cli run --config {config}")
    topics = Topics("classroom", "north", "pi-3a")
    try:
        verdicts = judge_device(
            Broker(broker.host, broker.port), topics, Plan(seconds=12, patience_s=20), agent, lambda _what: None
        )
    finally:
        agent.stop()
    assert failures(verdicts) == []
    assert sum(verdict.result == "pass" for verdict in verdicts) > 200, json.dumps([v.why for v in verdicts])
