"""Knowing whether an agent is at work on this machine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_agent.device.instance_lock import acquire, is_locked
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has such names")

PI = Topics("classroom", "running-test", "pi-3a")
BROKER = Broker("broker.test")
TAKE_LOCK = """
from edge_agent.device.instance_lock import acquire
from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics
held = acquire(Topics("classroom", "running-test", "pi-3a"), Broker("broker.test"))
print("held", flush=True)
input()
"""


def test_a_name_belongs_to_one_at_a_time_and_to_one_device_at_one_broker() -> None:
    held = acquire(PI, BROKER)
    assert held is not None
    with held:
        assert acquire(PI, BROKER) is None
        assert is_locked(PI, BROKER)
        assert not is_locked(PI, Broker("other.test"))
        assert not is_locked(Topics("classroom", "running-test", "pi-3b"), BROKER)
    assert not is_locked(PI, BROKER)


def test_a_killed_agent_leaves_no_name_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", TAKE_LOCK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        before = is_locked(PI, BROKER)
        process.kill()
        process.wait(30)
        assert (before, is_locked(PI, BROKER)) == (True, False)
