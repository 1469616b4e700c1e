"""What the school's page needs of the fleet: a certificate, two accounts at the broker, and settings that name them."""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from edge_agent.config_file import read_tables
from edge_agent.enrol.certificates import certificate_pem, key_pem, new_key
from edge_agent.errors import InputError
from edge_agent.files import PUBLIC, SECRET, SHARED, check_place_for, make_folder, path_exists, read_file, write_file
from fleet.access import PAGE, PAGE_OPERATOR
from fleet.broker_files import PASSWORDS, write_passwords
from fleet.register import check_host_name
from fleet.school import VALIDITY, Fleet

SETTINGS: Final = "dashboard.toml"
REPLACED_SETTINGS: Final = "dashboard.toml.old"
PAGE_GROUP: Final = "edge-agent-dashboard"
"""Under which the installed page runs."""
_SALT_BYTES: Final = 12
_ROUNDS: Final = 10_000


def write_page_files(fleet: Fleet, out: Path, hosts: list[str], broker_port: int, now: datetime) -> list[Path]:
    """Issue the page's certificate, and give its two accounts new passwords.

    Args:
        fleet: The school's.
        out: Folder for the files; made for its owner alone.
        hosts: Names and addresses by which browsers reach the page.
        broker_port: The broker's port for programs with a password.
        now: In UTC.

    Returns:
        What was written, in the order of writing. Settings that name an account at the broker are kept. Others, such as
        the example that the page's installer copies, are replaced and kept beside the new ones.

    Raises:
        InputError: A name is malformed, or a file cannot be written.
        ConfigError: The settings that are there cannot be read.
    """
    for host in hosts:
        check_host_name(host)
    owner = _page_owner()
    secret = SECRET if owner is None else SHARED
    make_folder(out, 0o700 if owner is None else 0o750)
    if owner is not None:
        os.chown(out, *owner)
    school = fleet.register.school
    # Before anything is written: with its new passwords the page could not log in while the broker has the old ones.
    passwords = Path(school.broker_folder) / PASSWORDS
    check_place_for(passwords)
    present_passwords = read_file(passwords, "the broker's passwords") if path_exists(passwords) else b""
    key = new_key()
    certificate = fleet.authority.issue(hosts[0][:64], key.public_key(), "server", now=now, valid=VALIDITY, hosts=hosts)
    new = {PAGE: secrets.token_urlsafe(24), PAGE_OPERATOR: secrets.token_urlsafe(24)}
    files = {
        "ca.crt": (certificate_pem(fleet.authority.certificate), PUBLIC),
        "page.crt": (certificate_pem(certificate), PUBLIC),
        "page.key": (key_pem(key), secret),
        "broker.password": (f"{new[PAGE]}\n".encode(), secret),
        "operator.password": (f"{new[PAGE_OPERATOR]}\n".encode(), secret),
    }
    settings = out / SETTINGS
    has_settings = path_exists(settings)
    if not (has_settings and _names_account(settings)):
        if has_settings:
            files[REPLACED_SETTINGS] = (read_file(settings, "the page's settings"), secret)
        text = _settings(out.absolute(), school.name, school.hosts[0], broker_port, school.root)
        files[SETTINGS] = (text.encode(), secret)
    for name, (content, mode) in files.items():
        write_file(out / name, content, mode, owner=owner)
    write_passwords(school, with_passwords(present_passwords, new))
    return [out / name for name in files]


def with_passwords(present: bytes, new: dict[str, str]) -> bytes:
    """Mosquitto's password file with other passwords for some accounts.

    Args:
        present: The file as it is.
        new: Passwords by account.
    """
    kept = [line for line in present.splitlines() if line.partition(b":")[0].decode("utf-8", "replace") not in new]
    return b"".join(line + b"\n" for line in [*kept, *(_hashed(name, text) for name, text in new.items())])


def _hashed(name: str, password: str) -> bytes:
    """A line of Mosquitto's password file: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"{name}:$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}".encode()


def _page_owner() -> tuple[int, int] | None:
    """Root and the group of the installed page; ``None`` where there is none, or this is not root."""
    if os.geteuid() != 0:
        return None
    try:
        return 0, grp.getgrnam(PAGE_GROUP).gr_gid
    except KeyError:
        return None


def _names_account(settings: Path) -> bool:
    broker = read_tables(settings).get("broker")
    return isinstance(broker, dict) and bool(broker.get("username"))


def _settings(folder: Path, school: str, broker: str, port: int, root: str) -> str:
    def text(value: object) -> str:
        if not re.fullmatch(r"[^\x00-\x1f\x7f]*", str(value)):
            raise InputError("a name for the page's settings", received="control characters")
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return f"""\
# Settings of the school's page. After a change: sudo systemctl restart edge-agent-dashboard
[page]
host = "0.0.0.0"
port = 8480
school = {text(school[:80])}
time_zone = ""          # "Europe/Zurich"; empty takes this machine's
tls_cert = {text(folder / "page.crt")}
tls_key = {text(folder / "page.key")}

[broker]
host = {text(broker)}
port = {port}
username = "{PAGE}"
password_file = {text(folder / "broker.password")}
root = {text(root)}

[broker.tls]
enabled = true
ca = {text(folder / "ca.crt")}

# What operators do goes through an account of its own. Without this table they can only look.
[operator_broker]
username = "{PAGE_OPERATOR}"
password_file = {text(folder / "operator.password")}
"""
