"""`edge-agent doctor` does with every file and port what `run` will do, and ends whatever hangs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from edge_agent.commands.doctor import read_in_time, time_left_s
from edge_agent.config import MetricsSettings
from edge_agent.config_file import load_settings
from edge_agent.errors import CheckFailed, ConfigError
from edge_agent.health.metrics_server import check_metrics, serving_metrics
from tests.support.broker import Mosquitto, free_port
from tests.support.brokers_certificates import TestAuthority
from tests.support.commands import edge_agent
from tests.support.messaging import mosquitto

__all__ = ["mosquitto"]

SMALL = "width_px = 320\nheight_px = 240\nfaces = 2\n"
"""A picture in which faces are soon searched for: here the rest of what is checked counts."""
BASE = f'[camera]\nsource = "simulated"\n{SMALL}[mqtt]\nhost = "127.0.0.1"\nport = 9\n'


@dataclass
class Device:
    """A folder for a device's files that and the check as a user whose rights count."""

    folder: Path

    def doctor(self, more: str, *, base: str = BASE) -> dict[str, dict[str, Any]]:
        """The findings by name, made as a user who has no rights to anything."""
        config = self.folder / "agent.toml"
        config.write_text(base + more)
        config.chmod(0o644)
        return {one["check"]: one for one in json.loads(self.run("--json", "--config", config).stdout)}

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        home = {"HOME": str(self.folder)}
        return edge_agent("doctor", *arguments, environment=home, folder=Path("/"), without_rights=True)

    def make(self, name: str, content: str | bytes = b"", mode: int = 0o000) -> Path:
        """A file that the user may not use."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    """A device's files."""
    folder = tmp_path / "device"
    folder.mkdir()
    yield Device(folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755)


def closed_folder(device: Device, name: str) -> Path:
    folder = device.folder / name
    folder.mkdir()
    folder.chmod(0o555)
    return folder


def test_a_folder_of_another_user_is_named_with_owner_and_command(device: Device) -> None:
    folder = closed_folder(device, "state")
    found = device.doctor(f'[outbox]\npath = "{folder}/outbox.db"\n')
    for check in ("storage", "state"):
        assert not found[check]["ok"]
        assert str(folder) in found[check]["detail"]
        assert "belongs to" in found[check]["detail"]
        assert "sudo chown" in found[check]["detail"]


def test_a_missing_folder_that_the_agent_can_make_is_fine_and_is_not_made(device: Device) -> None:
    device.folder.chmod(0o777)
    found = device.doctor(f'[outbox]\npath = "{device.folder}/a/b/outbox.db"\n')
    assert found["storage"]["ok"]
    assert found["state"]["ok"]
    assert "will be made" in found["storage"]["detail"]
    assert not (device.folder / "a").exists()


def test_a_missing_folder_that_the_agent_cannot_make_is_named_with_the_command(device: Device) -> None:
    device.folder.chmod(0o555)
    config = BASE + f'[outbox]\npath = "{device.folder}/state/outbox.db"\n'
    device.folder.chmod(0o755)
    (device.folder / "agent.toml").write_text(config)
    device.folder.chmod(0o555)
    ran = device.run("--json", "--config", f"{device.folder}/agent.toml")
    found = {one["check"]: one for one in json.loads(ran.stdout)}
    assert not found["storage"]["ok"]
    assert "sudo install -d -o " in found["storage"]["detail"]
    assert f"{device.folder}/state" in found["storage"]["detail"]


@pytest.mark.parametrize("name", ["audit.log", "north.pi.muted.json"])
def test_files_beside_the_outbox_are_tried(device: Device, name: str) -> None:
    device.folder.chmod(0o777)
    device.make(name, "{}")
    found = device.doctor(f'[device]\nsite = "north"\nid = "pi"\n[outbox]\npath = "{device.folder}/outbox.db"\n')[
        "state"
    ]
    assert not found["ok"]
    assert f"{device.folder}/{name}" in found["detail"]
    assert "sudo ch" in found["detail"]


def test_an_outbox_file_of_another_user_is_found(device: Device) -> None:
    device.folder.chmod(0o777)
    device.make("outbox.db", b"")
    found = device.doctor(f'[outbox]\npath = "{device.folder}/outbox.db"\n')["storage"]
    assert not found["ok"]
    assert "outbox.db" in found["detail"]
    assert "sudo chown" in found["detail"]


def test_a_password_file_that_the_agent_may_not_read_is_named(device: Device) -> None:
    secret = device.make("secret", "hidden word\n")
    base = f'{BASE}username = "pi"\npassword_file = "{secret}"\n'
    found = device.doctor("", base=base)["broker"]
    assert not found["ok"]
    assert f"$.mqtt.password_file {secret}: cannot be read: the user" in found["detail"]
    assert "belongs to" in found["detail"]
    assert f"sudo chown {name_of_user()} {secret}" in found["detail"]
    assert "hidden" not in found["detail"]


def name_of_user() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize("which", ["ca.crt", "pi.crt", "pi.key"])
def test_a_certificate_or_key_that_the_agent_may_not_read_is_named(device: Device, which: str) -> None:
    authority = TestAuthority(device.folder / "tls")
    certificate, key = authority.issue("pi")
    for file in authority.folder.iterdir():
        file.chmod(0o000 if file.name == which else 0o644)
    found = device.doctor(
        f'[mqtt.tls]\nenabled = true\nca = "{authority.file}"\ncert = "{certificate}"\nkey = "{key}"\n'
    )["certificates"]
    assert not found["ok"]
    assert "belongs to" in found["detail"]
    assert f"{authority.folder}/{which}" in found["detail"]
    assert "sudo ch" in found["detail"]


def test_a_folder_on_the_way_into_which_the_agent_may_not_look_is_named(device: Device) -> None:
    authority = TestAuthority(device.folder / "tls")
    authority.folder.chmod(0o000)
    found = device.doctor(f'[mqtt.tls]\nenabled = true\nca = "{authority.file}"\n')["certificates"]
    assert f"may not look into {authority.folder}" in found["detail"]


def test_a_model_the_folder_of_models_and_the_schools_key_are_tried(device: Device) -> None:
    device.folder.chmod(0o777)
    (device.folder / "models").mkdir()
    (device.folder / "models").chmod(0o555)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from fleet.model_key import public_pem

    key = device.make("models.pub", public_pem(Ed25519PrivateKey.generate()), 0o644)
    settings = f'[outbox]\npath = "{device.folder}/outbox.db"\n[update]\nkey = "{key}"\n'
    found = device.doctor(settings)["updates"]
    assert f"{device.folder}/models: cannot be written" in found["detail"]
    key.chmod(0o000)
    assert f"$.update.key {key}: the user" in device.doctor(settings)["updates"]["detail"]
    model = device.make("own.tflite", b"x")
    found = device.doctor(f'[classifier]\nmodel = "{model}"\n')["model"]
    assert not found["ok"]
    assert f"model {model}: cannot be read: the user" in found["detail"]


def test_settings_that_the_service_may_not_read_are_named(device: Device) -> None:
    config = device.make("agent.toml", BASE)
    ran = device.run("--config", config)
    assert ran.returncode == 4
    assert f"{config}: cannot be read: the user" in ran.stderr
    assert "sudo chgrp" in ran.stderr


def test_a_busy_port_for_metrics_is_found_and_the_agents_own_is_not_held_against_it(device: Device) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        found = device.doctor(f"[metrics]\nport = {port}\n")["metrics"]
    assert not found["ok"]
    assert f"127.0.0.1:{port}: Address already in use" in found["detail"]
    assert "Set metrics.port to a free one" in found["detail"]
    settings = MetricsSettings(port=free_port())
    with serving_metrics(settings, str):
        assert "served by the agent at work" in check_metrics(settings)
    assert "can be served" in check_metrics(settings)


def test_an_address_that_is_not_this_machines_is_found() -> None:
    with pytest.raises(ConfigError, match=r"metrics\.address"):
        check_metrics(MetricsSettings(port=free_port(), address="192.0.2.1"))


def test_the_check_ends_within_ten_seconds_whatever_hangs(device: Device, mosquitto: Mosquitto) -> None:
    pipe = device.folder / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    mosquitto.pause()
    began = time.monotonic()
    found = device.doctor(
        f'[classifier]\nmodel = "{pipe}"\n[outbox]\npath = "{device.folder}/outbox.db"\n[update]\nkey = "{pipe}"\n',
        base=f'[camera]\nsource = "http"\nurl = "http://127.0.0.1:{mosquitto.port}/x"\n'
        '[policy]\njurisdiction = "CH"\nsetting = "other"\nlegal_basis = "consent"\ndeclared_by = "A. Tester"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {mosquitto.port}\n',
    )
    took = time.monotonic() - began
    mosquitto.resume()
    assert took < 10 or os.getloadavg()[0] > os.cpu_count()  # type: ignore[operator]  # a busy machine starts slowly
    for check in ("model", "updates"):
        assert "no answer within" in found[check]["detail"]
    for check in ("camera", "broker"):
        assert not found[check]["ok"]


def test_a_port_that_answers_nothing_does_not_hold_the_check_up(device: Device) -> None:
    pipe = device.folder / "secret"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    found = device.doctor("", base=f'{BASE}username = "pi"\npassword_file = "{pipe}"\n')
    assert "no answer within" in found["broker"]["detail"]
    assert found["camera"]["ok"]


def test_a_settings_file_that_cannot_be_read_to_its_end_does_not_hold_the_check_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "agent.toml")
    with pytest.raises(CheckFailed, match="the settings file: got no answer"):
        read_in_time(lambda: load_settings(tmp_path / "agent.toml"), 0.2)
    (tmp_path / "other.toml").write_text('[camera]\nsource = "simulated"\n')
    assert read_in_time(lambda: load_settings(tmp_path / "other.toml"), 60).camera.source == "simulated"
    with pytest.raises(ConfigError, match="no such file"):
        read_in_time(lambda: load_settings(tmp_path / "missing.toml"), 60)


def test_a_program_that_started_slowly_has_less_time_for_its_checks() -> None:
    assert 5.0 <= time_left_s() <= 8.0
