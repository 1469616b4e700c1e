"""TLS without MQTT: what a broker thinks of this device's certificate, asked without touching anybody's session."""

from __future__ import annotations

import re
import socket
import ssl

from edge_agent.errors import BrokerError
from edge_agent.messaging.broker import Broker
from edge_agent.messaging.refusals import Refused

_PATIENCE_S = 5.0
_JUDGEMENT_S = 1.0
"""How long a broker may take to refuse a certificate: under TLS 1.3 it does so after the handshake, unasked."""


def shake_hands(broker: Broker) -> None:
    """Open an encrypted connection, wait for a refusal and hang up without a word of MQTT.

    Raises:
        Refused: One side does not accept the other's certificate.
        BrokerError: The broker cannot be reached.
    """
    assert broker.tls is not None
    try:
        with (
            socket.create_connection((broker.host, broker.port), timeout=_PATIENCE_S) as plain,
            broker.tls.wrap_socket(plain, server_hostname=broker.host) as connection,
        ):
            connection.settimeout(_JUDGEMENT_S)
            _listen(connection, broker)
    except ssl.SSLCertVerificationError as error:
        raise Refused(broker, 0, f"its certificate: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise refusal_of(broker, error) from None
    except (OSError, UnicodeError) as error:
        words = (getattr(error, "strerror", None) or str(error)).lower()
        raise BrokerError(f"broker {broker} cannot be reached", received=words) from None


def refusal_of(broker: Broker, error: ssl.SSLError) -> Refused:
    """What an alert of the broker means for this device."""
    alert = re.search(r"ALERT_(\w+)", error.reason or "")
    if alert is None:
        return Refused(broker, 0, f"TLS: {error.reason or error}")
    words = alert[1].lower().replace("_", " ")
    if not re.search(r"certificate|ca$", words):
        return Refused(broker, 0, f"TLS: {words}")
    whose = "this device's certificate" if broker.certificate else "a device without a certificate"
    return Refused(broker, 0, f"{whose}: {words}", remedy=(
        "It has ended or been revoked, or is another school's: look with 'edge-agent doctor', and enrol the device anew"
        if broker.certificate
        else "Enrol the device, which sets mqtt.tls.cert and mqtt.tls.key"
    ))  # fmt: skip


def _listen(connection: ssl.SSLSocket, broker: Broker) -> None:
    try:
        word = connection.recv(1)
    except TimeoutError:  # silence: it waits for us to speak
        return
    if not word:
        raise Refused(broker, 0, "it hangs up after the handshake", remedy="See the broker's log")
