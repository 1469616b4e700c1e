"""Where the broker is, and with which credentials a client connects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edge_agent.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from edge_agent.config import MqttSettings, TlsSettings


@dataclass(frozen=True, slots=True)
class Broker:
    """What a connection needs to know.

    Attributes:
        host: Name or address.
        port: TCP port.
        protocol: MQTT version; ``3.1.1`` only for brokers that do not speak 5.
        username: Empty for none.
        password: Goes with the user name.
        keepalive_s: Longest silence before either side asks whether the other is still there.
        tls: How to encrypt, ``None`` for not at all.
        certificate: File with the certificate by which this client proves itself; empty for none.
    """

    host: str
    port: int = 1883
    protocol: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password: str = ""
    keepalive_s: int = 30
    tls: ssl.SSLContext | None = None
    certificate: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def from_settings(cls, settings: MqttSettings) -> Broker:
        """Read the files the settings name.

        Raises:
            ConfigError: The password file or a certificate cannot be used.
        """
        return cls(
            host=settings.host,
            port=settings.port,
            protocol=settings.protocol,
            username=settings.username,
            password=_password(settings.password_file) if settings.password_file else "",
            keepalive_s=settings.keepalive_s,
            tls=tls_context(settings.tls) if settings.tls.enabled else None,
            certificate=settings.tls.cert if settings.tls.enabled else "",
        )


def _password(path: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        subject = f"$.mqtt.password_file {path}: cannot be read: {error}"
        raise ConfigError(subject, remedy="Let the file hold the password and the agent's user read it") from None
    if not lines or not lines[0]:
        raise ConfigError(f"$.mqtt.password_file {path}", received="an empty first line", expected="the password")
    return lines[0]


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """How to encrypt: the broker's name is always checked against its certificate.

    Raises:
        ConfigError: A certificate or key file cannot be used.
    """
    import ssl  # only where a connection is encrypted: programs of clients start faster without it

    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"$.mqtt.tls.ca {settings.ca}: {error}", expected="the certificate authority's certificate in PEM form"
        ) from None
    if settings.cert:
        try:
            context.load_cert_chain(settings.cert, settings.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"$.mqtt.tls.cert {settings.cert} with key {settings.key}: {error}",
                expected="a certificate and its unencrypted key in PEM form",
            ) from None
    return context
