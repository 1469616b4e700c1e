"""Where the broker is, and with which credentials a client connects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from edge_agent.addresses import shown_host, shown_path, shown_secret_path
from edge_agent.errors import ConfigError
from edge_agent.files import read_password

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
    password: str = field(default="", repr=False)
    keepalive_s: int = 30
    tls: ssl.SSLContext | None = None
    certificate: str = ""

    def __str__(self) -> str:
        return f"{shown_host(self.host)}:{self.port}"

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
            password=read_password(settings.password_file, "$.mqtt.password_file") if settings.password_file else "",
            keepalive_s=settings.keepalive_s,
            tls=tls_context(settings.tls) if settings.tls.enabled else None,
            certificate=settings.tls.cert if settings.tls.enabled else "",
        )


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
            f"$.mqtt.tls.ca {shown_path(settings.ca)}: {_words(error)}",
            expected="the certificate authority's certificate in PEM form",
        ) from None
    if settings.cert:
        try:
            context.load_cert_chain(settings.cert, settings.key)
        except (OSError, ssl.SSLError) as error:
            key = shown_secret_path(settings.key)
            raise ConfigError(
                f"$.mqtt.tls.cert {shown_path(settings.cert)} with key {key}: {_words(error)}",
                expected="a certificate and its unencrypted key in PEM form",
            ) from None
    return context


def _words(error: OSError) -> str:
    """What went wrong, without the file's path, in the place of which its content may stand by mistake."""
    return error.strerror or getattr(error, "reason", None) or type(error).__name__
