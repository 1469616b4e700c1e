"""Why no connection to a broker came about, and what to do about it: the network's faults and those of TLS.

Each fault has its own remedy. The words are the same wherever a connection is opened: in the agent's log, in `doctor`,
in the live view, in the fleet commands and in the client.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from edge_agent.errors import BrokerError
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import ConnectError

_NO_CHECK_TIME: Final = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL: a certificate is accepted whatever the clock says."""
_OTHER_KEY, _NOT_YET_VALID, _EXPIRED, _SELF_SIGNED, _REVOKED = 7, 9, 10, 18, 23
_UNKNOWN_AUTHORITY: Final = {2, 19, 20, 21}
_WRONG_NAME: Final = {62, 64}
_WEAK: Final = {66, 67, 68}
"""OpenSSL's X509_V_ERR numbers."""
_BAD_SIGNATURE: Final = "decrypt error"
"""TLS's word where a certificate is from another authority of the same name."""
_STEP_S: Final = 5.0

LOOK_AT_BROKER: Final = "On the broker's machine, 'systemctl status mosquitto' says whether it runs"
CHECK_ADDRESS: Final = "Check the host (mqtt.host) and the port (mqtt.port)"
USE_TLS: Final = "Set mqtt.tls.enabled = true and mqtt.tls.ca, or mqtt.port to the broker's port without TLS"
NO_TLS: Final = (
    "Set mqtt.port to the broker's port with TLS, usually 8883. Where the broker has none, set mqtt.tls.enabled = false"
)
SET_CLOCK: Final = "sudo timedatectl set-time 'YYYY-MM-DD HH:MM:SS'"


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """What a broker's certificate says.

    Attributes:
        names: The names and addresses that it is for.
        begins: From when it is valid, in UTC.
        ends: Until when.
    """

    names: tuple[str, ...]
    begins: datetime
    ends: datetime


def peer_certificate(broker: Broker) -> PeerCertificate | None:
    """Look at the certificate of a broker that was not accepted for its dates or names. Blocks for some seconds.

    Returns:
        ``None`` where it cannot be seen, for example since nobody vouches for it.
    """
    assert broker.tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
    try:
        authorities = b"".join(broker.tls.get_ca_certs(binary_form=True))
        if authorities:
            context.load_verify_locations(cadata=authorities)
        else:
            context.load_default_certs()
        with (
            socket.create_connection((broker.host, broker.port), timeout=_STEP_S) as plain,
            context.wrap_socket(plain, server_hostname=broker.host) as line,
        ):
            return _understood(line.getpeercert() or {})
    except (OSError, ValueError):
        return None


def _understood(certificate: Mapping[str, Any]) -> PeerCertificate | None:
    try:
        begins, ends = (
            datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate[key]), tz=timezone.utc)
            for key in ("notBefore", "notAfter")
        )
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    names = tuple(_printable(value) for _, value in certificate.get("subjectAltName", ()))
    return PeerCertificate(names, begins, ends)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def certificate_fault(
    broker: Broker, error: ssl.SSLCertVerificationError, found: PeerCertificate | None, now: datetime
) -> ConnectError:
    """The broker's certificate was not accepted.

    Args:
        broker: Where.
        error: What OpenSSL says.
        found: What the certificate says, where that is known.
        now: By this machine's clock, which may be wrong.
    """
    code, clock = error.verify_code, f"this device's clock says {now:%Y-%m-%d %H:%M} UTC"
    if code == _NOT_YET_VALID:
        begins = f" (it is from {found.begins:%Y-%m-%d %H:%M} UTC)" if found and found.begins > now else ""
        return ConnectError(
            broker,
            0,
            f"its certificate: not yet valid{begins}, and {clock}",
            f"Set this device's clock: give it access to a time server, or {SET_CLOCK}",
            temporary=True,
        )
    if code == _EXPIRED:
        of_authority = found is not None and found.ends > now
        ended = f" on {found.ends:%Y-%m-%d}" if found and not of_authority else ""
        return ConnectError(
            broker,
            0,
            (
                f"its authority: expired, and {clock}"
                if of_authority
                else f"its certificate: expired{ended}, and {clock}"
            ),
            "Renew the authority's certificate, and give it to every device (mqtt.tls.ca)"
            if of_authority
            else "Renew the certificate on the broker's machine: sudo edge-agent fleet renew --broker. "
            f"If this device's clock is wrong, set it: {SET_CLOCK}",
        )
    if code in _WRONG_NAME:
        names = ", ".join(found.names[:8]) if found and found.names else ""
        return ConnectError(
            broker,
            0,
            f"its certificate: made out to {names or 'another name'}, not to {broker.host}",
            "Set mqtt.host to a name in the broker's certificate, or give the broker a certificate for this name",
        )
    if code == _SELF_SIGNED:
        return ConnectError(
            broker,
            0,
            "its certificate: self-signed",
            "Set mqtt.tls.ca to the file of this very certificate, or to the authority that signed the broker's "
            "certificate",
        )
    if code == _OTHER_KEY:
        return ConnectError(
            broker,
            0,
            "its certificate: from another authority of the same name",
            "The authority was made anew. Give its new certificate to this device (mqtt.tls.ca), and let it sign the "
            "broker's certificate. At a school's broker, enrol the device again",
        )
    if code in _UNKNOWN_AUTHORITY:
        return ConnectError(
            broker,
            0,
            "its certificate: from an authority that this device does not know",
            "Set mqtt.tls.ca to the authority that signed the broker's certificate. At a school's broker, enrol the "
            "device",
        )
    if code == _REVOKED:
        return ConnectError(broker, 0, "its certificate: revoked", "Give the broker a new certificate")
    if code in _WEAK:
        return ConnectError(
            broker,
            0,
            f"its certificate: {error.verify_message}",
            "Give the broker a certificate with a key of at least 2048 bits (RSA) or 256 bits (EC), and SHA-256",
        )
    return ConnectError(
        broker,
        0,
        f"its certificate: {error.verify_message}",
        "Give the broker a certificate for servers, signed by the authority in mqtt.tls.ca",
    )


def tls_fault(broker: Broker, error: ssl.SSLError, *, agreed: bool = False) -> BrokerError:
    """TLS failed for another reason than the broker's certificate: what its alert says, or that there is no TLS.

    Args:
        broker: Where.
        error: What OpenSSL says.
        agreed: Both sides had already agreed on TLS.
    """
    reason = getattr(error, "reason", None) or ""
    alert = re.search(r"ALERT_(\w+)", reason)
    words = alert[1].lower().replace("_", " ") if alert else ""
    if alert and "PROTOCOL_VERSION" in reason:
        return _too_old(broker)
    if alert and ("certificate" in words or words.endswith("ca") or (words == _BAD_SIGNATURE and broker.certificate)):
        return _refused_certificate(broker, words)
    if alert and words == "handshake failure" and not broker.certificate:
        return _refused_certificate(broker, "certificate required, or no common cipher")
    if alert and "unrecognized name" in words:
        return ConnectError(broker, 0, f"TLS: {words}", "Set mqtt.host to the name that the broker knows itself by")
    if alert:
        return ConnectError(broker, 0, f"TLS: {words}", "See the broker's log")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) or "EOF" in reason:
        if agreed:
            return hung_up(broker)
        return unreachable(broker, "the connection closed at the beginning of TLS", NO_TLS)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"):
        return ConnectError(broker, 0, "an answer without TLS", NO_TLS)
    if "PROTOCOL" in reason or "NO_CIPHERS" in reason:
        return _too_old(broker)
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return unreachable(broker, "no answer to TLS", NO_TLS)
    return ConnectError(broker, 0, f"TLS: {reason.lower().replace('_', ' ') or 'broken'}", "See the broker's log")


def hung_up(broker: Broker) -> ConnectError:
    """It closed the connection after both sides had agreed on TLS. So there is TLS, and something else is refused."""
    may = "have refused this device's certificate" if broker.certificate else "want a certificate of this device"
    return ConnectError(
        broker,
        0,
        "the connection closed after the beginning of TLS",
        f"The broker may {may}. Look with 'edge-agent doctor', and in the broker's log",
        temporary=True,  # or it stops just now
    )


def _too_old(broker: Broker) -> ConnectError:
    return ConnectError(broker, 0, "TLS: no common version", "Let the broker offer TLS 1.2 or 1.3")


def _refused_certificate(broker: Broker, words: str) -> ConnectError:
    if not broker.certificate:
        remedy = "Enrol the device, which sets mqtt.tls.cert and mqtt.tls.key"
        return ConnectError(broker, 0, f"a device without a certificate: {words}", remedy)
    if "expired" in words:
        remedy = (
            "Renew it on the broker's machine: sudo edge-agent fleet renew. If it is still valid (see "
            "'edge-agent doctor'), check the broker's clock and its revocation list"
        )
    elif "revoked" in words:
        remedy = "The school has revoked it. Enrol the device anew to let it in again"
    elif words.endswith("ca") or words == _BAD_SIGNATURE:
        remedy = "Another authority has signed it. Enrol the device at this broker's school"
    elif words.startswith("bad"):
        remedy = (
            "Look with 'edge-agent doctor' whether it is valid. Check the clock of the broker's machine, which may be "
            "behind the certificate's beginning. Else enrol the device anew"
        )
    else:
        remedy = "Look with 'edge-agent doctor' whether it is valid, and enrol the device anew"
    return ConnectError(broker, 0, f"this device's certificate: {words}", remedy)


_LOCAL: Final = {"localhost", "127.0.0.1", "::1"}


def network_fault(broker: Broker, error: OSError, *, agreed: bool = False) -> BrokerError:
    """The network does not lead to the broker.

    Args:
        broker: Where.
        error: What the system says.
        agreed: Where the broker uses TLS, both sides had already agreed on it.
    """
    words = (error.strerror or str(error)).lower()
    if isinstance(error, socket.gaierror):
        return unreachable(broker, words, _name_remedy(error.errno))
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return unreachable(
            broker,
            "no answer in time",
            f"{CHECK_ADDRESS}. See whether that machine is on, and whether a firewall lets the port through",
        )
    number = error.errno
    if number == errno.ECONNREFUSED and broker.host in _LOCAL:
        return unreachable(
            broker,
            words,
            "No broker listens there. Start it: sudo systemctl start mosquitto. "
            "If it is on another machine, set the host (mqtt.host)",
        )
    if number == errno.ECONNREFUSED:
        return unreachable(
            broker,
            words,
            f"Nothing listens at this port. {CHECK_ADDRESS}. {LOOK_AT_BROKER}, and it must listen on more than "
            "localhost",
        )
    if number in (errno.EHOSTUNREACH, errno.EHOSTDOWN):
        return unreachable(broker, words, "See whether that machine is on and in this network. Check mqtt.host")
    if number in (errno.ENETUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL):
        return unreachable(broker, words, "Check this device's network: cable, Wi-Fi, 'ip address' and 'ip route'")
    if number in (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE):
        if broker.tls is not None and agreed:
            return hung_up(broker)
        if broker.tls is not None:
            return unreachable(broker, "the connection closed at the beginning of TLS", NO_TLS)
        return unreachable(broker, words, f"{CHECK_ADDRESS}. Where the broker uses TLS: {USE_TLS}")
    if number in (errno.EACCES, errno.EPERM):
        return unreachable(broker, words, "A firewall on this device, or the service's own limits, forbid it")
    if number in (errno.EMFILE, errno.ENFILE):
        return unreachable(broker, words, "Restart this device: too many files are open")
    return unreachable(broker, words, CHECK_ADDRESS)


def _name_remedy(number: int | None) -> str:
    if number == socket.EAI_AGAIN:
        return (
            "No name server answers. Check this device's network, or set mqtt.host to the broker's IP address "
            "(with TLS, it must stand in the broker's certificate)"
        )
    return "Check the spelling of mqtt.host. 'getent hosts NAME' shows whether this device knows a name"


def unreachable(broker: Broker, received: str, remedy: str = CHECK_ADDRESS) -> BrokerError:
    """There is no connection, perhaps for a while only."""
    return BrokerError(f"broker {broker} cannot be reached", received=received, remedy=remedy)
