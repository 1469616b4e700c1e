"""A real Mosquitto on a free loopback port, and an independent subscriber to look at what it delivers."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion


def mosquitto_path() -> str | None:
    """Where Mosquitto is, also where the search path leaves out the administrator's folders."""
    return shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def mosquitto_version() -> tuple[int, ...]:
    """Its version. Tests run with another one if that stands first in the search path."""
    said = subprocess.run([mosquitto_path() or "mosquitto", "-h"], capture_output=True, text=True).stdout
    found = re.search(r"version (\d+)\.(\d+)\.(\d+)", said)
    assert found is not None, said
    return tuple(int(part) for part in found.groups())


def wait_until(condition: Callable[[], object], timeout_s: float = 30.0, what: str = "the condition") -> None:
    """Poll until the condition holds; fails the test where it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come about within {timeout_s} s")
        time.sleep(0.01)


_ports = iter(random.sample(range(10_000, 32_000), 20_000))
"""Each is given once. They lie below those that Linux gives to outgoing connections, so what is free stays free."""


def free_port() -> int:
    """A port that nobody listens on at any address, another one each time."""
    while True:
        port = next(_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", port))
            return port


class Mosquitto:
    """A broker under the test's control.

    Args:
        folder: Where its configuration and log go.
        config: Lines of configuration besides the listener; anonymous clients are let in unless it speaks of them.
        plain_listener: Whether there is a second listener, on ``plain_port``, without that configuration.
    """

    def __init__(self, folder: Path, config: str = "", *, plain_listener: bool = False) -> None:
        self.host, self.port = "127.0.0.1", free_port()
        self.plain_port = free_port() if plain_listener else 0
        self.folder = folder
        self.config = config
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        program = mosquitto_path()
        assert program is not None
        anonymous = "" if "allow_anonymous" in self.config else "allow_anonymous true\n"
        file = self.folder / "mosquitto.conf"
        # As root Mosquitto would give up its rights and then not read files made by the test. By itself it drops what a
        # subscriber has not fetched beyond a thousand messages, which a busy machine reaches. No limit at all, 0, makes
        # 2.0.11 hang up on a client whose publish its rules deny.
        queue = "" if "max_queued_messages" in self.config else "max_queued_messages 100000\n"
        lines = [f"user root\n{queue}listener {self.port} {self.host}\n{anonymous}{self.config}"]
        if self.plain_port:
            lines.append(f"listener {self.plain_port} {self.host}")
        file.write_text("\n".join(lines) + "\n")
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(file)], stdout=log, stderr=log)
        wait_until(self._listens, what="Mosquitto listening")

    def kill(self) -> None:
        """``kill -9``: it loses what it holds in memory."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def reload(self) -> None:
        """Let it read passwords and access rules again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def log(self) -> str:
        """What it has logged so far."""
        return (self.folder / "mosquitto.log").read_text()

    def check_alive(self) -> None:
        """Fail the test with what Mosquitto said where it has ended by itself."""
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"Mosquitto ended with code {self._process.returncode}: {self.log()}")

    def _listens(self) -> bool:
        self.check_alive()
        try:
            for port in filter(None, (self.port, self.plain_port)):
                socket.create_connection((self.host, port), timeout=1).close()
        except OSError:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.send_signal(signal.SIGCONT)
            self._process.wait()
            self._process = None


@contextmanager
def running_mosquitto(folder: Path, config: str = "", *, plain_listener: bool = False) -> Iterator[Mosquitto]:
    """A started broker; skips the test where Mosquitto is not installed."""
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    broker = Mosquitto(folder, config, plain_listener=plain_listener)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@dataclass
class Message:
    """What a subscriber received."""

    topic: str
    payload: bytes
    retained: bool
    properties: dict[str, str]


@dataclass
class Subscriber:
    """An MQTT client of its own: paho's thread, none of the project's code. Messages pile up in ``messages``."""

    port: int
    topics: tuple[str, ...] = ("#",)
    username: str = ""
    password: str = ""
    protocol: str = "5"
    messages: list[Message] = field(default_factory=list)

    def __enter__(self) -> Subscriber:
        ready = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5 if self.protocol == "5" else paho.MQTTv311
        )
        if self.username:
            self._client.username_pw_set(self.username, self.password)
        self._client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in self.topics])
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = self._received
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()
        assert ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def on(self, name: str) -> list[Message]:
        """The messages on topics that end in this name."""
        return [message for message in self.messages if message.topic.rsplit("/", 1)[-1] == name]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish something and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def _received(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        properties = dict(getattr(message.properties, "UserProperty", []))
        self.messages.append(Message(message.topic, bytes(message.payload), message.retain, properties))
