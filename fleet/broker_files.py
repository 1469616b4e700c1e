"""The broker's side of a fleet: the files it reads, proof that it has read them, and shutting a device out."""

from __future__ import annotations

import contextlib
import grp
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from edge_agent.config import TlsSettings
from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import AgentError, BrokerError, InputError
from edge_agent.files import PUBLIC, SHARED, make_folder, path_exists, read_file, write_file
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker, tls_context
from edge_agent.mqtt.events import Acknowledged, Closed, ConnectionEvent, Received, Subscribed
from fleet.access import access_rules, applied_topic
from fleet.authority import Authority
from fleet.register import Device, Register

AUTHORITY, REVOKED, RULES, SERVER_CERT, SERVER_KEY = "ca.crt", "crl.pem", "acl", "server.crt", "server.key"
PASSWORDS = "passwords"
LOCAL_RULES = "acl.local"

_GROUP = "mosquitto"
_APPLIED_WITHIN_S = 10.0
_ANSWER_WITHIN_S = 5.0
_TOLD_WITHIN_S = 10.0
_SILENT_TURNS = 3
"""Retained messages follow the answer to a subscription at once: after so many silent tenths of a second all have
come."""
_TAKEOVER_VALIDITY = timedelta(minutes=10)


def write_rules(folder: Path, register: Register, authority: Authority, now: datetime) -> None:
    """Write access rules and revocation list for the broker.

    Args:
        folder: The fleet's folder, for rules of the school's own.
        register: Who is enrolled and who was.
        authority: Signs the list.
        now: In UTC.

    Raises:
        InputError: They cannot be written.
    """
    target = Path(register.school.broker_folder)
    rules = _rules(folder, register)
    # The list first: whoever is on it must never be let in by rules that are already new, or the other way round.
    write_file(target / REVOKED, authority.revocation_list(register.revoked(), now), PUBLIC)
    write_file(target / RULES, rules.encode(), SHARED, owner=_broker_owner())


def rules_are_current(folder: Path, register: Register) -> bool:
    """Whether the broker's access rules are what :func:`write_rules` would write."""
    try:
        written = (Path(register.school.broker_folder) / RULES).read_text(encoding="utf-8")
    except OSError:
        return False
    return written == _rules(folder, register)


def write_server(register: Register, authority: Authority, now: datetime, valid: timedelta) -> None:
    """Give the broker a fresh key and certificate, and an empty password file where it has none.

    Raises:
        InputError: They cannot be written.
    """
    target = Path(register.school.broker_folder)
    make_folder(target, 0o755)
    key = new_key()
    hosts = register.school.hosts
    certificate = authority.issue(hosts[0][:64], key.public_key(), "server", now=now, valid=valid, hosts=hosts)
    write_file(target / AUTHORITY, certificate_pem(authority.certificate), PUBLIC)
    write_file(target / SERVER_KEY, key_pem(key), SHARED, owner=_broker_owner())
    write_file(target / SERVER_CERT, certificate_pem(certificate), PUBLIC)
    if not (target / PASSWORDS).exists():
        write_file(target / PASSWORDS, b"", SHARED, owner=_broker_owner())


def server_is_ours(register: Register, authority: Authority) -> bool:
    """Whether the broker has a key, a certificate, and this authority's: not so on a machine that is new."""
    target = Path(register.school.broker_folder)
    if not all(path_exists(target / name) for name in (AUTHORITY, SERVER_KEY, SERVER_CERT, PASSWORDS)):
        return False
    return read_file(target / AUTHORITY, "the authority's certificate") == certificate_pem(authority.certificate)


def reload_broker(register: Register, folder: Path) -> None:
    """Have the broker read its files again and wait until its behaviour shows that it has.

    Raises:
        BrokerError: The command fails, the broker cannot be reached, or goes by its old rules still.
    """
    command = register.school.reload
    if command:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BrokerError(f"{' '.join(command)}: {error}", remedy=_BY_HAND) from None
        if done.returncode:
            said = " / ".join((done.stderr or done.stdout).split("\n")).strip(" /")
            raise BrokerError(f"{' '.join(command)}", received=said or f"exit code {done.returncode}", remedy=_BY_HAND)
    deadline = time.monotonic() + _APPLIED_WITHIN_S
    with fleet_connection(register, folder) as connection:
        while not _publishes(connection, applied_topic(register), b"", retain=False):
            if time.monotonic() > deadline:
                raise BrokerError("the broker goes by its old access rules still", remedy=_BY_HAND)
            time.sleep(0.05)


def disconnect(register: Register, authority: Authority, device: Device, now: datetime) -> None:
    """End a live session by connecting under its name with a certificate of a few minutes.

    The broker closes the older of two connections with one client id. To be done once it has read the new rules, so
    that the device cannot come back.

    Raises:
        BrokerError: The broker cannot be reached.
    """
    key = new_key()
    certificate = authority.issue(device.identity, key.public_key(), "client", now=now, valid=_TAKEOVER_VALIDITY)
    with tempfile.TemporaryDirectory(prefix="edge-agent-disconnect-") as name:
        shown, own = Path(name, "client.crt"), Path(name, "client.key")
        shown.write_bytes(certificate_pem(certificate))
        own.touch(0o600)
        own.write_bytes(key_pem(key))
        Connection(_address(register, shown, own), device.identity).close()


@contextlib.contextmanager
def fleet_connection(register: Register, folder: Path) -> Iterator[Connection]:
    """A connection as the fleet commands themselves.

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
    """Publish something retained and wait until the broker has it.

    Raises:
        BrokerError: It is refused, or the broker falls silent.
    """
    if not _publishes(connection, topic, payload, retain=True):
        raise BrokerError(f"the broker does not let the fleet commands publish on {topic}")


def retained(connection: Connection, filters: Sequence[str]) -> list[Received]:
    """What the broker keeps under some filters, and what else came in while it was told.

    Raises:
        BrokerError: It falls silent or closes the connection.
    """
    heard: list[Received] = []
    silent_turns: int | None = None

    def told(signal: ConnectionEvent | None) -> bool:
        nonlocal silent_turns
        if isinstance(signal, Received):
            heard.append(signal)
        if isinstance(signal, Subscribed):
            silent_turns = 0
        elif silent_turns is not None:
            # Silence counts from the broker's answer on: a busy broker is silent before it, too.
            silent_turns = silent_turns + 1 if signal is None else 0
        return silent_turns is not None and silent_turns >= _SILENT_TURNS

    connection.subscribe(filters)
    _collect(connection, told, _TOLD_WITHIN_S)
    if silent_turns is None:
        raise BrokerError("the broker has not answered a subscription", expected=f"an answer in {_TOLD_WITHIN_S:g} s")
    return heard


def _collect(connection: Connection, until: Callable[[ConnectionEvent | None], bool], within_s: float) -> None:
    """Feed what comes in, and ``None`` where nothing does, to ``until`` until it is content or the time is over.

    Raises:
        BrokerError: The broker closes the connection before.
    """
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        signals: list[ConnectionEvent | None] = [*connection.poll(0.1)]
        for signal in signals or [None]:
            if isinstance(signal, Closed):
                raise BrokerError("the broker closed the connection", received=signal.reason)
            if until(signal):
                return


def _rules(folder: Path, register: Register) -> str:
    path = folder / LOCAL_RULES
    if not path.exists():
        return access_rules(register)
    try:
        return access_rules(register, read_file(path, "access rules").decode())
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}", expected="access rules of Mosquitto's in UTF-8") from None


def _publishes(connection: Connection, topic: str, payload: bytes, *, retain: bool) -> bool:
    packet = connection.publish(topic, payload, retain=retain)
    answer: list[Acknowledged] = []

    def answered(signal: ConnectionEvent | None) -> bool:
        if isinstance(signal, Acknowledged) and signal.packet_id == packet:
            answer.append(signal)
        return bool(answer)

    _collect(connection, answered, _ANSWER_WITHIN_S)
    if not answer:
        raise BrokerError("the broker does not answer")
    return answer[0].ok


def _address(register: Register, certificate: Path, key: Path) -> Broker:
    school = register.school
    authority = Path(school.broker_folder) / AUTHORITY
    tls = TlsSettings(enabled=True, ca=str(authority), cert=str(certificate), key=str(key))
    read_file(authority, "the authority's certificate")
    return Broker(host=school.hosts[0], port=school.port, tls=tls_context(tls))


def _broker_owner() -> tuple[int, int] | None:
    """Root and the broker's group, where this process may give files away and there is such a group."""
    if os.geteuid() != 0:
        return None
    try:
        return 0, grp.getgrnam(_GROUP).gr_gid
    except KeyError:
        return None


_BY_HAND = "Let the broker read its files again: sudo systemctl reload mosquitto; its log tells what it finds wrong"


def not_confirmed(error: AgentError) -> str:
    """What to say where the files are right and the broker could not be asked."""
    return f"the files for the broker are written, but it was not seen to use them: {error}"
