"""The files of a fleet that the broker reads: access rules, revocation list, its own key and certificate."""

from __future__ import annotations

import os
import pwd
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import InputError
from edge_agent.files import PUBLIC, SHARED, make_folder, path_exists, read_file, write_file
from fleet.access import access_rules
from fleet.authority import Authority
from fleet.register import Register, School

AUTHORITY: Final = "ca.crt"
REVOKED: Final = "crl.pem"
RULES: Final = "acl"
SERVER_CERT: Final = "server.crt"
SERVER_KEY: Final = "server.key"
PASSWORDS: Final = "passwords"
LOCAL_RULES: Final = "acl.local"

_USER: Final = "mosquitto"


def write_rules(folder: Path, register: Register, authority: Authority, now: datetime) -> None:
    """Write access rules and revocation list for the broker.

    Args:
        folder: The fleet's folder, for rules of the school's own.
        register: Who is enrolled, and who was.
        authority: Signs the list.
        now: In UTC.

    Raises:
        InputError: They cannot be written.
    """
    target = Path(register.school.broker_folder)
    rules = _rules(folder, register)
    # From 2.0.21 on, Mosquitto warns that it will refuse rules and passwords that are not its own user's.
    # The list first: new rules must never let in a device that the list does not yet name.
    write_file(target / REVOKED, authority.revocation_list(register.revoked(), now), PUBLIC)
    write_file(target / RULES, rules.encode(), SHARED, owner=_broker())


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
    write_file(target / SERVER_KEY, key_pem(key), SHARED, owner=_readable_by_broker())
    write_file(target / SERVER_CERT, certificate_pem(certificate), PUBLIC)
    if not (target / PASSWORDS).exists():
        write_file(target / PASSWORDS, b"", SHARED, owner=_broker())


def write_passwords(school: School, content: bytes) -> None:
    """Replace the broker's password file.

    Raises:
        InputError: It cannot be written.
    """
    write_file(Path(school.broker_folder) / PASSWORDS, content, SHARED, owner=_broker())


def server_is_ours(register: Register, authority: Authority) -> bool:
    """Whether the broker has a key, a certificate, and this authority's. A new machine has none."""
    target = Path(register.school.broker_folder)
    if not all(path_exists(target / name) for name in (AUTHORITY, SERVER_KEY, SERVER_CERT, PASSWORDS)):
        return False
    return read_file(target / AUTHORITY, "the authority's certificate") == certificate_pem(authority.certificate)


def _rules(folder: Path, register: Register) -> str:
    path = folder / LOCAL_RULES
    if not path.exists():
        return access_rules(register)
    try:
        return access_rules(register, read_file(path, "access rules").decode())
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: {error}", expected="Mosquitto access rules in UTF-8") from None


def _readable_by_broker() -> tuple[int, int] | None:
    """Root and the broker's group; ``None`` where this process may not give files away, or there is no such group."""
    broker = _broker()
    return (0, broker[1]) if broker is not None else None


def _broker() -> tuple[int, int] | None:
    """The broker's user and group; ``None`` where this process may not give files away, or there is no such user."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid
