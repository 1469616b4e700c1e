"""Where the broker is, and with which credentials a client connects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from edge_agent.addresses.masking import shown_host, shown_path, shown_secret_path
from edge_agent.config import MqttSettings, TlsSettings
from edge_agent.errors import ConfigError
from edge_agent.files import read_password
from edge_agent.rights import denied_read

if TYPE_CHECKING:
    import ssl

_DEFAULTS: Final = MqttSettings()


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
    port: int = _DEFAULTS.port
    protocol: Literal["5", "3.1.1"] = _DEFAULTS.protocol
    username: str = ""
    password: str = field(default="", repr=False)
    keepalive_s: int = _DEFAULTS.keepalive_s
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
        words, remedy = _words(error, settings.ca, secret=False)
        raise ConfigError(
            f"$.mqtt.tls.ca {shown_path(settings.ca)}: {words}",
            expected="the certificate authority's certificate in PEM form",
            remedy=remedy,
        ) from None
    # From 3.13 on, Python also wants what authorities made by hand often lack, such as key identifiers. Who is let in
    # must not depend on the version of Python.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if settings.cert:
        try:
            context.load_cert_chain(settings.cert, settings.key)
        except (OSError, ssl.SSLError) as error:
            of_key = _is_readable(settings.cert)
            words, remedy = _words(error, settings.key if of_key else settings.cert, secret=of_key)
            key = shown_secret_path(settings.key)
            raise ConfigError(
                f"$.mqtt.tls.cert {shown_path(settings.cert)} with key {key}: {words}",
                expected="a certificate and its unencrypted key in PEM form",
                remedy=remedy,
            ) from None
    return context


def _is_readable(path: str) -> bool:
    try:
        with Path(path).open("rb"):
            return True
    except (OSError, ValueError):
        return False


def _words(error: OSError, path: str, *, secret: bool) -> tuple[str, str]:
    """What went wrong, without the file's path, in the place of which its content may stand by mistake; and a remedy.

    OpenSSL says of a file that cannot be opened the same as of one that is missing: nothing but a system error.
    """
    import ssl  # loaded by the caller

    shown = Path(shown_secret_path(path) if secret else shown_path(path))
    if path and error.errno and error.strerror and not isinstance(error, ssl.SSLError):
        return denied_read(shown, error, secret=secret)
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return "the key belongs to another certificate", "Name the two files that belong together"
    if reason in ("NO_START_LINE", "PEM_LIB", "NO_CERTIFICATE_OR_CRL_FOUND", None):
        return "no PEM file of this kind, or one that is damaged", ""
    return str(reason).lower().replace("_", " "), ""
