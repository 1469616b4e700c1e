"""What ``edge-agent watch`` does when its other thread breaks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge_agent.client import Notice
from edge_agent.client.follower import Follower
from edge_agent.config import MqttSettings
from edge_agent.console.live_view import LiveView
from tests.support.broker import running_mosquitto, wait_until


def test_an_error_in_the_thread_that_follows_ends_the_view(tmp_path: Path) -> None:
    def fail(_notice: Notice) -> None:
        raise ZeroDivisionError("as a mistake in the program would")

    with running_mosquitto(tmp_path) as broker:
        follower = Follower(MqttSettings(host="127.0.0.1", port=broker.port), fail)
        follower.start()
        wait_until(lambda: follower.failure is not None, what="the failure")
        with pytest.raises(ZeroDivisionError):
            LiveView().show(threading.Event(), follower=follower)
        follower.stop()
