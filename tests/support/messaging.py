"""A broker of the test's own, and quick ways to say something."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config import DeviceSettings, MqttSettings, OutboxSettings, Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.device.publisher import PublisherTiming
from tests.support.broker import Mosquitto, running_mosquitto

QUICK = PublisherTiming(
    retry_base_s=0.2, retry_cap_s=0.2, refused_floor_s=0.1, refused_cap_s=0.2, status_wait_s=0.1, steady_s=0.0
)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A fresh broker that lets everyone in."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with running_mosquitto(folder) as broker:
        yield broker


def settings_for(port: int, folder: Path, *, outbox: dict[str, Any] | None = None, **mqtt: Any) -> Settings:
    """Settings of the device ``north/pi-3a`` with its outbox in the folder."""
    return Settings(
        device=DeviceSettings(site="north", id="pi-3a", room="2b"),
        mqtt=MqttSettings(**{"host": "127.0.0.1", "port": port, "will_delay_s": 0, **mqtt}),
        outbox=OutboxSettings(**{"path": str(folder / "outbox.db"), "commit_s": 0.02, **(outbox or {})}),
    )


@pytest.fixture
def start_messenger() -> Iterator[Callable[..., Messenger]]:
    """Starts messengers and stops those that still run at the end."""
    started: list[Messenger] = []

    def start(settings: Settings, **options: Any) -> Messenger:
        options = {"timing": QUICK, **options}
        messenger = Messenger(settings, ModelIdentity(("happy", "sad"), "9f86d081884c"), **options)
        messenger.start()
        started.append(messenger)
        return messenger

    yield start
    for messenger in started:
        messenger.stop(drain_s=0.0)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A certificate authority and a server certificate for ``localhost``."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    for command in (
        f"req -x509 {key} -keyout ca.key -out ca.crt -subj /CN=test-ca -addext keyUsage=critical,keyCertSign",
        f"req {key} -keyout server.key -out server.csr -subj /CN=localhost",
    ):
        openssl(folder, command)
    (folder / "names").write_text("subjectAltName=DNS:localhost\nauthorityKeyIdentifier=keyid")
    openssl(folder, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -extfile names")
    return folder


def openssl(folder: Path, arguments: str) -> None:
    try:
        subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed (Debian: apt install openssl)")
