"""The page's settings, frozen. Every key has a default that works; units stand at the end of a field's name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from edge_agent.addresses.masking import shown_path
from edge_agent.addresses.parsing import check_host
from edge_agent.addresses.setting_values import shown_value
from edge_agent.config import MqttSettings, Name, TlsSettings
from edge_agent.config_file import load_toml
from edge_agent.errors import ConfigError

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Language = Literal["en", "de", "fr", "es", "id"]
SYSTEM_FOLDER: Final = Path("/var/lib/edge-agent-dashboard")
"""Where the installed service keeps its database."""
_STORE: Final = "dashboard.db"
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


class OperatorSettings(_Section, frozen=True):
    """The account at the broker that carries out what operators do. Without one they can only look.

    It is used for the moment of a command, at the broker that ``[broker]`` names.

    Attributes:
        username: User name at the broker.
        password_file: File with the password alone in its first line.
        cert: File with the account's certificate, where it has one. Needs ``key``.
        key: File with the private key of ``cert``.
    """

    username: str = ""
    password_file: str = ""
    cert: str = ""
    key: str = ""

    @property
    def given(self) -> bool:
        """Whether there is such an account."""
        return bool(self.username or self.cert)


class StoreSettings(_Section, frozen=True):
    """The database of the page: history, accounts and log.

    Attributes:
        place: A file for SQLite, or the address of a PostgreSQL database, ``postgresql://USER@HOST/DATABASE``. Empty
            takes ``dashboard.db`` in ``/var/lib/edge-agent-dashboard``, or in the user's own data folder.
        password_file: File with the password at the server alone in its first line.
        max_mb: Size that an SQLite file may reach; 0 for no limit. Retention keeps it small as it is.
        min_free_mb: What recording leaves free on the disk of an SQLite file, for other programs there.
        record: Whether the page records. Not where ``edge-agent record`` does so for the same database.
    """

    place: str = ""
    password_file: str = ""
    max_mb: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    min_free_mb: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 200
    record: bool = True

    def where(self) -> str:
        """The file or the address."""
        if self.place:
            return self.place
        if os.access(SYSTEM_FOLDER, os.W_OK):
            return str(SYSTEM_FOLDER / _STORE)
        home = Path(os.environ.get("XDG_DATA_HOME") or "")
        own = home if home.is_absolute() else Path("~/.local/share").expanduser()
        return str(own / "edge-agent" / _STORE)


class AccessSettings(_Section, frozen=True):
    """Sessions of visitors, and the log of who looked and acted.

    Attributes:
        idle_min: A session that nobody uses for so long has ended.
        session_h: So long after the login every session has ended.
        audit_days: For how long the log is kept.
        notices: Folder with the signs of the devices and their assessments, as ``edge-agent notice`` writes them. The
            page for the data officer offers what lies in it and in its folders.
    """

    idle_min: Annotated[float, msgspec.Meta(ge=1.0, le=1440.0)] = 60.0
    session_h: Annotated[float, msgspec.Meta(ge=0.25, le=168.0)] = 12.0
    audit_days: Annotated[float, msgspec.Meta(ge=1.0, le=3650.0)] = 365.0
    notices: str = ""


class PageSettings(_Section, frozen=True):
    """The page itself.

    Attributes:
        host: Address to listen on. Another than loopback needs accounts, and a certificate.
        port: TCP port to listen on.
        school: The school's name, for the head of each page.
        time_zone: In which times are shown, as an IANA name such as ``Europe/Zurich``. Empty takes the machine's.
        language: Of a browser that asks for none of the languages that the page has.
        tls_cert: File with the page's certificate. Needs ``tls_key``. Browsers then reach it by ``https`` alone.
        tls_key: File with the private key of ``tls_cert``.
        plain_http: Whether other machines may reach the page without encryption. Passwords can then be read on the way.
    """

    host: str = "127.0.0.1"
    port: Port = 8480
    school: Annotated[str, msgspec.Meta(max_length=80)] = ""
    time_zone: str = ""
    language: Language = "en"
    tls_cert: str = ""
    tls_key: str = ""
    plain_http: bool = False


class RetentionSettings(_Section, frozen=True):
    """For how long the history is kept, in days.

    Attributes:
        full_days: Every window of figures, and every report of a device's health.
        days: The same as minutes, and what happened to devices. After that nothing is left.
        faces_days: Events of single faces, of devices that publish them. 0 stores none.
    """

    full_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 7
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 365
    faces_days: Annotated[int, msgspec.Meta(ge=0, le=30)] = 0


class TimetableSettings(_Section, frozen=True):
    """The lessons of the school.

    Attributes:
        files: iCalendar files (.ics). A lesson belongs to the room that its place or its title names.
        rooms: What the timetable calls a device's room, by ``SITE/DEVICE``, where the device calls it otherwise.
    """

    files: tuple[str, ...] = ()
    rooms: dict[str, str] = {}


class DashboardSettings(_Section, frozen=True):
    """All settings of the page.

    Attributes:
        broker: Where the devices' messages are.
        page: The page itself.
        operator_broker: The account for what operators do.
        store: The page's database.
        access: Sessions and the log.
        retention: For how long the history is kept.
        timetable: The lessons.
    """

    broker: BrokerSettings = BrokerSettings()
    page: PageSettings = PageSettings()
    operator_broker: OperatorSettings = OperatorSettings()
    store: StoreSettings = StoreSettings()
    access: AccessSettings = AccessSettings()
    retention: RetentionSettings = RetentionSettings()
    timetable: TimetableSettings = TimetableSettings()


@contextmanager
def naming_keys_of(table: Literal["broker", "operator_broker"]) -> Iterator[None]:
    """Around what reads the files of an account at the broker. An error then names the page's keys, not a device's.

    Args:
        table: Whose account.

    Raises:
        ConfigError: As raised within.
    """
    try:
        yield
    except ConfigError as error:
        said = str(error)
        if table == "operator_broker":  # which shares only the authority with the other one
            said = re.sub(r"\bmqtt\.(?:tls\.(cert|key)|(username|password_file))\b", r"operator_broker.\1\2", said)
        error.args = (re.sub(r"\bmqtt\.", "broker.", said),)
        raise


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
    operator = settings.operator_broker
    if operator.password_file and not operator.username:
        raise ConfigError(
            f"{where}$.operator_broker.username", received='""', expected="the user the password belongs to"
        )
    pairs = (("operator_broker", "cert", "key", operator), ("page", "tls_cert", "tls_key", settings.page))
    for table, first, second, section in pairs:
        if bool(getattr(section, first)) != bool(getattr(section, second)):
            raise ConfigError(
                f"{where}$.{table}",
                expected=f"both {first} and {second}, or neither",
                remedy="Name the two files that belong together",
            )
    if settings.retention.days < settings.retention.full_days:
        raise ConfigError(
            f"{where}$.retention.days",
            received=settings.retention.days,
            expected=f"at least retention.full_days, {settings.retention.full_days}",
        )
    for name in settings.timetable.files:
        if shown_path(name) != name:
            raise ConfigError(
                f"{where}$.timetable.files",
                received="an address, or a name that is not shown",
                expected="iCalendar files (.ics) on this machine",
                remedy="Save the calendar as a file, and name the file",
            )
    if settings.page.time_zone:
        try:
            ZoneInfo(settings.page.time_zone)
        except (OSError, ValueError, KeyError):  # an unknown one is a KeyError
            raise ConfigError(
                f"{where}$.page.time_zone",
                received=shown_value(settings.page.time_zone, f"{where}$.page.time_zone"),
                expected="an IANA name such as Europe/Zurich",
                remedy="`timedatectl list-timezones` lists them",
            ) from None
