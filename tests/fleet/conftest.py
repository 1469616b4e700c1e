"""A school with a real broker, made by the commands a school uses."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge_agent.cli.enrol import enrol
from edge_agent.config import Settings, TlsSettings
from edge_agent.config_file import load_settings
from edge_agent.mqtt.endpoint import Broker, tls_context
from fleet.cli import add, init, revoke
from fleet.register import Device
from fleet.school import Fleet
from tests.support.broker import Mosquitto, free_port, mosquitto_path, mosquitto_version, wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORD = "correct horse battery"
SHIPPED_PLUGINS = "/usr/lib/x86_64-linux-gnu/mosquitto"
"""Where Mosquitto 2.1 has its plugins; the variable ``MOSQUITTO_PLUGINS`` may name another place."""


class SchoolBroker(Mosquitto):
    """Mosquitto with the shipped configuration: other ports and folders, and included as Debian includes it.

    Attributes:
        files: Its folder of certificates, rules and passwords.
        programs: Port for accounts with a password.
        browsers: Port for WebSockets.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.files = folder / "classroom"
        self.programs, self.browsers = free_port(), free_port()

    def write_config(self) -> None:
        """Write mosquitto.conf and the shipped part that it includes."""
        version = mosquitto_version()
        shipped = (DEPLOY / "mosquitto" / f"classroom{'-2.1' if version >= (2, 1) else ''}.conf").read_text()
        shipped = shipped.replace(SHIPPED_PLUGINS, os.environ.get("MOSQUITTO_PLUGINS", SHIPPED_PLUGINS))
        for shown, port in (("8883", self.port), ("8884", self.programs), ("8885", self.browsers)):
            shipped, count = re.subn(rf"^listener {shown}$", f"listener {port}", shipped, flags=re.MULTILINE)
            assert count == 1
        conf_d = self.folder / "conf.d"
        conf_d.mkdir(exist_ok=True)
        (conf_d / "classroom.conf").write_text(shipped.replace("/etc/mosquitto/classroom", str(self.files)))
        # Debian's own file, but for root: as such Mosquitto would give up its rights and not reach the test's folder.
        (self.folder / "mosquitto.conf").write_text(
            f"user root\npersistence true\npersistence_location {self.folder}/\nlog_dest stderr\ninclude_dir {conf_d}\n"
        )

    def start(self) -> None:
        """Start it with that configuration and wait until it listens."""
        program = mosquitto_path()
        assert program is not None
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self.folder / "mosquitto.conf")], stdout=log, stderr=log
            )
        (self.folder / "mosquitto.pid").write_text(str(self._process.pid))
        # It listens before it heeds SIGHUP, and would be ended by one.
        wait_until(self._is_running, what="Mosquitto running")

    def _is_running(self) -> bool:
        self.check_alive()
        return "running" in self.log()

    def log(self) -> str:
        """What it has written so far."""
        return (self.folder / "mosquitto.log").read_text()


@dataclass
class DeviceFiles:
    """A device's configuration and keys, as on a machine of its own."""

    config: Path
    keys: Path

    @property
    def settings(self) -> Settings:
        """As the agent would read them."""
        return load_settings(self.config)

    def broker(self) -> Broker:
        """How this device reaches the broker."""
        return Broker.from_settings(self.settings.mqtt)


@dataclass
class SchoolUnderTest:
    """A broker, the fleet's folder, and a folder for devices."""

    broker: SchoolBroker
    folder: Path
    home: Path

    def fleet(self) -> Fleet:
        """The fleet as it stands."""
        return Fleet.open(self.folder)

    def entry(self, name: str) -> Device:
        """An enrolled device's entry in the register."""
        return self.fleet().register.find(name)

    def new_device(self, device: str) -> DeviceFiles:
        """A device set up from the example configuration, not yet enrolled."""
        home = self.home / device
        home.mkdir()
        config = home / "agent.toml"
        config.write_text((DEPLOY / "agent.example.toml").read_text().replace('"edge-1"', f'"{device}"'))
        return DeviceFiles(config, home / "tls")

    def device(self, device: str) -> DeviceFiles:
        """A device that is enrolled, now or before."""
        home = self.home / device
        return DeviceFiles(home / "agent.toml", home / "tls") if home.exists() else self.enrol(device)

    def enrol(self, device: str) -> DeviceFiles:
        """A new device, enrolled the way a school does it."""
        return self.enrol_files(self.new_device(device))

    def enrol_files(self, files: DeviceFiles) -> DeviceFiles:
        """Enrol a device that has been set up."""
        request = files.config.with_name("device.request")
        enrol(request=str(request), config=files.config, keys=files.keys)
        add(request, folder=self.folder)
        enrol(str(request.with_suffix(".answer")), config=files.config, keys=files.keys)
        return files

    def revoke(self, device: str) -> None:
        """Shut a device out the way a school does it."""
        revoke(device, folder=self.folder)

    def add_account(self, name: str) -> None:
        """Give a person or program a password; the broker knows it once it reads its files."""
        passwords = str(self.broker.files / "passwords")
        subprocess.run(["mosquitto_passwd", "-b", passwords, name, PASSWORD], check=True, capture_output=True)

    def account(self) -> Broker:
        """How programs with a password reach the broker, but for the account."""
        tls = tls_context(TlsSettings(enabled=True, ca=str(self.broker.files / "ca.crt")))
        return Broker(host="localhost", port=self.broker.programs, password=PASSWORD, tls=tls)


@contextmanager
def running_school(home: Path, name: str, *parts: str) -> Iterator[SchoolUnderTest]:
    """A school's broker at work; skips the test where Mosquitto is not installed.

    Args:
        home: A folder for everything.
        name: The school's.
        parts: Further parts of the broker's configuration.
    """
    if mosquitto_path() is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    folder = home / "broker"
    folder.mkdir(parents=True)
    broker = SchoolBroker(folder)
    broker.write_config()
    for number, part in enumerate(parts):
        (folder / "conf.d" / f"part-{number}.conf").write_text(part)
    fleet = home / "fleet"
    reload = f"sh -c 'kill -HUP $(cat {folder}/mosquitto.pid)'"
    init(name, host=["localhost"], folder=fleet, port=broker.port, broker_folder=broker.files, reload=reload)
    school = SchoolUnderTest(broker, fleet, home)
    for account in ("dashboard", "operator", "homeassistant"):
        school.add_account(account)
    try:
        broker.start()
        yield school
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SchoolUnderTest]:
    """A school's broker at work, one for all tests of a module."""
    with running_school(tmp_path_factory.mktemp("school"), "North School") as made:
        yield made
