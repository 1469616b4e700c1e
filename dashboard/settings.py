"""The page's settings, frozen. Every key has a default that works; units stand at the end of a field's name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.addresses.parsing import check_host
from edge_agent.config import MqttSettings, Name, TlsSettings
from edge_agent.config_file import load_toml
from edge_agent.errors import ConfigError

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Language = Literal["en", "de", "fr", "es", "id"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "de", "fr", "es", "id")


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file."""


class BrokerSettings(_Section, frozen=True):
    """The broker, and the account that listens there. It needs no right to publish anything but ``resend``.

    Attributes:
        host: Name or address of the broker.
        port: Its TCP port.
        protocol: MQTT version. ``3.1.1`` is only for brokers that do not speak MQTT 5.
        username: User name at the broker; empty for none.
        password_file: File with the password alone in its first line.
        root: First part of all topics.
        tls: Encryption; a table of its own.
    """

    host: str = "localhost"
    port: Port = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password_file: str = ""
    root: Name = "classroom"
    tls: TlsSettings = TlsSettings()

    def as_mqtt(self) -> MqttSettings:
        """The same as the client takes it."""
        return MqttSettings(
            host=self.host,
            port=self.port,
            protocol=self.protocol,
            username=self.username,
            password_file=self.password_file,
            root=self.root,
            tls=self.tls,
        )


class PageSettings(_Section, frozen=True):
    """The page itself.

    Attributes:
        host: Address to listen on. Another than loopback needs accounts.
        port: TCP port to listen on.
        school: The school's name, for the head of each page.
        time_zone: In which times are shown, as an IANA name such as ``Europe/Zurich``. Empty takes the machine's.
        language: Of a browser that asks for none of the languages that the page has.
    """

    host: str = "127.0.0.1"
    port: Port = 8480
    school: Annotated[str, msgspec.Meta(max_length=80)] = ""
    time_zone: str = ""
    language: Language = "en"


class DashboardSettings(_Section, frozen=True):
    """All settings of the page.

    Attributes:
        broker: Where the devices' messages are.
        page: The page itself.
    """

    broker: BrokerSettings = BrokerSettings()
    page: PageSettings = PageSettings()


def load_dashboard_settings(path: Path) -> DashboardSettings:
    """Read and check the page's settings.

    Raises:
        ConfigError: The file is missing, no TOML, has an unknown key, a value out of range or a contradiction.
    """
    settings = load_toml(path, DashboardSettings)
    check_dashboard_settings(settings, f"{path}: ")
    return settings


def check_dashboard_settings(settings: DashboardSettings, where: str = "") -> None:
    """Refuse settings that are each fine alone and make no sense together.

    Args:
        settings: What to judge.
        where: Begins the message: the settings' file.

    Raises:
        ConfigError: An address is malformed, the time zone is not known, or files are named by half.
    """
    broker = settings.broker
    check_host(broker.host, f"{where}$.broker.host", "broker.port", ConfigError)
    check_host(settings.page.host, f"{where}$.page.host", "page.port", ConfigError)
    if bool(broker.tls.cert) != bool(broker.tls.key):
        raise ConfigError(
            f"{where}$.broker.tls",
            expected="both cert and key, or neither",
            remedy="Name the two files that belong together",
        )
    if broker.password_file and not broker.username:
        raise ConfigError(f"{where}$.broker.username", received='""', expected="the user the password belongs to")
    if settings.page.time_zone:
        try:
            ZoneInfo(settings.page.time_zone)
        except (OSError, ValueError):
            raise ConfigError(
                f"{where}$.page.time_zone",
                received=repr(settings.page.time_zone),
                expected="an IANA name such as Europe/Zurich",
                remedy="`timedatectl list-timezones` lists them",
            ) from None
