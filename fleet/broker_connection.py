"""The fleet commands at the broker: have it read its files, see that it has, publish, and disconnect a device."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.config import TlsSettings
from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import AgentError, BrokerError
from edge_agent.files import read_file
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker, tls_context
from edge_agent.mqtt.events import Acknowledged, Closed, ConnectionEvent, Received, Subscribed
from fleet.access import applied_topic
from fleet.authority import Authority
from fleet.broker_files import AUTHORITY
from fleet.register import Device, Register

_RELOAD_WITHIN_S: Final = 60.0
_APPLIED_WITHIN_S: Final = 10.0
_ANSWER_WITHIN_S: Final = 5.0
_RETAINED_WITHIN_S: Final = 10.0
_SILENT_POLLS: Final = 3
"""Retained messages follow the answer to a subscription at once. After so many tenths of a second of silence all have
arrived."""
_TAKEOVER_VALIDITY: Final = timedelta(minutes=10)
_RELOAD_BY_HAND: Final = (
    "Let the broker read its files again: sudo systemctl reload mosquitto. Its log says what is wrong"
)


def reload_broker(register: Register, folder: Path) -> None:
    """Have the broker read its files again, and wait until its behaviour shows that it has.

    Raises:
        BrokerError: The command fails, the broker cannot be reached, or it still uses its old rules.
    """
    command = register.school.reload
    if command:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_RELOAD_WITHIN_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            words = error.strerror if isinstance(error, OSError) else f"no end within {_RELOAD_WITHIN_S:g} s"
            raise BrokerError(f"{scrubbed(' '.join(command))}: {words}", remedy=_RELOAD_BY_HAND) from None
        if done.returncode:
            output = " / ".join((done.stderr or done.stdout).split("\n")).strip(" /")
            raise BrokerError(
                scrubbed(" ".join(command)),
                received=scrubbed(output) or f"exit code {done.returncode}",
                remedy=_RELOAD_BY_HAND,
            )
    deadline = time.monotonic() + _APPLIED_WITHIN_S
    with fleet_connection(register, folder) as connection:
        while not _publish_and_wait(connection, applied_topic(register), b"", retain=False):
            if time.monotonic() > deadline:
                raise BrokerError("the broker still uses its old access rules", remedy=_RELOAD_BY_HAND)
            time.sleep(0.05)


def disconnect(register: Register, authority: Authority, device: Device, now: datetime) -> None:
    """End a device's connection by connecting under its client id, with a certificate that is valid for minutes.

    The broker closes the older of two connections with the same client id. Call this after the broker has read the new
    rules; before that, the device could connect again.

    Raises:
        BrokerError: The broker cannot be reached.
    """
    key = new_key()
    certificate = authority.issue(device.identity, key.public_key(), "client", now=now, valid=_TAKEOVER_VALIDITY)
    with tempfile.TemporaryDirectory(prefix="edge-agent-disconnect-") as name:
        certificate_file, key_file = Path(name, "client.crt"), Path(name, "client.key")
        certificate_file.write_bytes(certificate_pem(certificate))
        key_file.touch(0o600)
        key_file.write_bytes(key_pem(key))
        Connection(_address(register, certificate_file, key_file), device.identity).close()


@contextlib.contextmanager
def fleet_connection(register: Register, folder: Path) -> Iterator[Connection]:
    """A connection with the certificate of the fleet commands.

    Raises:
        BrokerError: The broker cannot be reached or refuses.
        ConfigError: The fleet's own certificate cannot be used.
    """
    broker = _address(register, folder / "reader.crt", folder / "reader.key")
    connection = Connection(broker, register.school.reader)
    try:
        yield connection
    finally:
        connection.close()


def publish(connection: Connection, topic: str, payload: bytes) -> None:
    """Publish a retained message, and wait until the broker has acknowledged it.

    Raises:
        BrokerError: It is refused, or the broker does not answer.
    """
    if not _publish_and_wait(connection, topic, payload, retain=True):
        raise BrokerError(f"the broker does not let the fleet commands publish on {topic}")


def read_retained(connection: Connection, filters: Sequence[str]) -> list[Received]:
    """The messages that the broker retains under some filters, and others that arrived meanwhile.

    Raises:
        BrokerError: It does not answer, or closes the connection.
    """
    received: list[Received] = []
    silent_polls: int | None = None

    def complete(event: ConnectionEvent | None) -> bool:
        nonlocal silent_polls
        if isinstance(event, Received):
            received.append(event)
        if isinstance(event, Subscribed):
            silent_polls = 0
        elif silent_polls is not None:
            # Silence counts only after the broker's answer: a busy broker is silent before it, too.
            silent_polls = silent_polls + 1 if event is None else 0
        return silent_polls is not None and silent_polls >= _SILENT_POLLS

    connection.subscribe(filters)
    _poll_until(connection, complete, _RETAINED_WITHIN_S)
    if silent_polls is None:
        expected = f"an answer in {_RETAINED_WITHIN_S:g} s"
        raise BrokerError("the broker has not answered a subscription", expected=expected)
    return received


def _poll_until(connection: Connection, done: Callable[[ConnectionEvent | None], bool], within_s: float) -> None:
    """Hand each event to ``done``, and ``None`` where there is none, until it returns true or the time is over.

    Raises:
        BrokerError: The broker closes the connection first.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        events: list[ConnectionEvent | None] = [*connection.poll(0.1)]
        for event in events or [None]:
            if isinstance(event, Closed):
                raise BrokerError("the broker closed the connection", received=event.reason)
            if done(event):
                return


def _publish_and_wait(connection: Connection, topic: str, payload: bytes, *, retain: bool) -> bool:
    packet = connection.publish(topic, payload, retain=retain)
    answer: list[Acknowledged] = []

    def answered(event: ConnectionEvent | None) -> bool:
        if isinstance(event, Acknowledged) and event.packet_id == packet:
            answer.append(event)
        return bool(answer)

    _poll_until(connection, answered, _ANSWER_WITHIN_S)
    if not answer:
        raise BrokerError("the broker does not answer")
    return answer[0].ok


def _address(register: Register, certificate: Path, key: Path) -> Broker:
    school = register.school
    authority = Path(school.broker_folder) / AUTHORITY
    tls = TlsSettings(enabled=True, ca=str(authority), cert=str(certificate), key=str(key))
    read_file(authority, "the authority's certificate")
    return Broker(host=school.hosts[0], port=school.port, tls=tls_context(tls))


def not_confirmed(error: AgentError) -> str:
    """The message where the broker's files are written, but it could not be asked whether it uses them."""
    return f"the files for the broker are written, but it was not seen to use them: {error}"
