"""Accounts in both databases, and the commands that change them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.access.access import Access
from dashboard.access.accounts import Accounts
from dashboard.access.roles import Visitor, parse_role, parse_room
from dashboard.access.tables import PART, VERSION, accounts, audit, logins, metadata
from dashboard.history.database import Database, ensure_schema
from dashboard.settings import AccessSettings
from edge_agent.cli import app
from edge_agent.client import Device
from edge_agent.errors import InputError
from tests.dashboard.access.conftest import OTHER, OWN, PASSWORD
from tests.support.broker import wait_until

NOW = 1_790_000_000.0


@pytest.fixture
def database(place: str) -> Iterator[Database]:
    """Of each kind."""
    database = Database(place)
    ensure_schema(database, PART, VERSION, metadata)
    yield database
    database.close()


def test_an_account_is_what_it_was_made(database: Database) -> None:
    made = Accounts(database)
    made.add("anna", PASSWORD, ["teacher"], [OWN, OTHER, OWN], NOW)
    found = made.find("ANNA")
    assert (found.name, found.roles, found.rooms, found.created_at) == ("anna", {"teacher"}, {OWN, OTHER}, NOW)
    assert found.rights.rooms == {OWN, OTHER}
    assert [account.name for account in made.all()] == ["anna"]


def test_the_password_is_nowhere_in_the_database(database: Database) -> None:
    made = Accounts(database)
    made.add("anna", PASSWORD, ["teacher"], [], NOW)
    with database.reading() as connection:
        rows = str(connection.execute(accounts.select()).all())
    assert PASSWORD not in rows
    assert "argon2id" in rows


def test_a_session_is_nowhere_in_the_database(database: Database) -> None:
    access = Access(database, AccessSettings())
    token = access.sessions.begin(access.accounts.add("anna", PASSWORD, ["teacher"], [], NOW), NOW)
    with database.reading() as connection:
        assert token not in str(connection.execute(logins.select()).all())
    assert access.sessions.account_of(token, NOW) is not None


def test_sessions_of_one_account_are_bounded(database: Database) -> None:
    access = Access(database, AccessSettings())
    account = access.accounts.add("anna", PASSWORD, ["teacher"], [], NOW)
    tokens = [access.sessions.begin(account, NOW + number) for number in range(30)]
    alive = [token for token in tokens if access.sessions.account_of(token, NOW + 30)]
    assert alive == tokens[-20:]


def test_the_log_takes_any_text(database: Database) -> None:
    log = Access(database, AccessSettings()).audit
    log.record("look", "anna\0", "x" * 999, NOW, device=Device("a\0", "\ud800"), detail="\x1b[2J" + "é" * 999)
    [entry] = log.entries(Visitor())
    assert (entry.who, len(entry.address), entry.device, len(entry.detail)) == ("anna?", 64, Device("a?", "?"), 300)


@pytest.mark.parametrize("name", ["", " ", "a b", "é", "a" * 65, "-a", "a/b", "a\nb", "<b>", "a'", "\0"])
def test_names_that_will_not_do(database: Database, name: str) -> None:
    with pytest.raises(InputError, match="the account's name"):
        Accounts(database).add(name, PASSWORD, ["teacher"], [], NOW)


def test_a_name_that_no_account_can_have_is_not_looked_for(database: Database) -> None:
    """PostgreSQL refuses to compare with a NUL."""
    for name in ("\0", "anna\0", "a" * 5000):
        assert Accounts(database).authenticate(name, PASSWORD) is None
        assert Access(database, AccessSettings()).audit.entries(Visitor(), who=name) == []


def test_what_cannot_be_is_refused(database: Database) -> None:
    made = Accounts(database)
    made.add("anna", PASSWORD, ["teacher"], [], NOW)
    for attempt in (
        lambda: made.add("Anna", PASSWORD, ["teacher"], [], NOW),
        lambda: made.add("bert", "short", ["teacher"], [], NOW),
        lambda: made.add("bert", PASSWORD, [], [], NOW),
        lambda: made.remove("bert"),
        lambda: made.set_rooms("bert", []),
        lambda: made.set_roles("anna", []),
        lambda: made.set_rooms("anna", [Device("a", str(number)) for number in range(501)]),
    ):
        with pytest.raises(InputError):
            attempt()
    assert [account.name for account in made.all()] == ["anna"]
    assert made.find("anna").roles == {"teacher"}


def test_two_that_make_the_same_account_at_once_make_one(database: Database) -> None:
    made, outcomes = Accounts(database), []

    def add() -> None:
        try:
            made.add("anna", PASSWORD, ["teacher"], [], NOW)
            outcomes.append("made")
        except Exception as error:  # noqa: BLE001 - counted
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("made") == 1
    assert len(made.all()) == 1


@pytest.mark.parametrize("text", ["", "pi-0", "a/b/c", "/b", "a/", "a" * 65 + "/b"])
def test_rooms_that_are_no_rooms(text: str) -> None:
    with pytest.raises(InputError, match="SITE/DEVICE"):
        parse_room(text)


def test_roles_as_people_write_them() -> None:
    assert parse_role("Data-Officer") == "data_officer"
    with pytest.raises(InputError, match="teacher, operator, data_officer"):
        parse_role("admin")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "dashboard.toml"
    file.write_text(f'[store]\nplace = "{tmp_path}/dashboard.db"\n')
    (tmp_path / "password").write_text(PASSWORD + "\n")
    return file


def run(config: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["dashboard", "accounts", *arguments, "--config", str(config)])
    return result.exit_code, result.output + str(result.exception or "")


def test_an_account_lives_from_add_to_remove(config: Path) -> None:
    password = ("--password-file", str(config.parent / "password"))
    code, said = run(config, "add", "Anna", "--role", "teacher", "--room", "north/pi-3a", *password)
    assert (code, said.splitlines()[0]) == (0, "anna may log in: teacher, north/pi-3a")
    assert run(config, "rooms", "anna", "north/pi-4", "north/pi-5")[0] == 0
    assert json.loads(run(config, "list", "--json")[1]) == [
        {"name": "anna", "roles": ["teacher"], "rooms": ["north/pi-4", "north/pi-5"]}
    ]
    assert "all rooms" in run(config, "roles", "anna", "teacher", "operator")[1]
    assert run(config, "password", "anna", *password)[0] == 0
    assert run(config, "rooms", "anna", "--none")[0] == 0
    code, said = run(config, "remove", "anna")
    assert code == 0
    assert "no account is left" in said
    assert "no accounts" in run(config, "list")[1]


def test_what_the_commands_do_is_in_the_log(config: Path, tmp_path: Path) -> None:
    run(config, "add", "anna", "--role", "teacher", "--password-file", str(tmp_path / "password"))
    run(config, "remove", "anna")
    database = Database(str(tmp_path / "dashboard.db"))
    with database.reading() as connection:
        rows = connection.execute(audit.select()).all()
    database.close()
    assert [(row.action, row.detail.partition(":")[0]) for row in rows] == [
        ("accounts", "anna added"),
        ("accounts", "anna removed"),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "anna", "--role", "admin"), "one of teacher, operator, data_officer"),
        (("add", "anna", "--role", "teacher", "--room", "3a"), "SITE/DEVICE"),
        (("add", "anna", "--role", "teacher"), "a terminal to ask for it, or --password-file FILE"),
        (("add", "anna", "--role", "teacher", "--password-file", "/nowhere"), "cannot be read"),
        (("remove", "bert"), "there is no account bert"),
        (("password", "bert"), "there is no account bert"),
        (("rooms", "bert"), "there is no account bert"),
    ],
)
def test_mistakes_are_named(config: Path, arguments: tuple[str, ...], said: str) -> None:
    code, text = run(config, *arguments)
    assert code != 0
    assert said in text


def test_no_command_takes_a_password_as_an_argument() -> None:
    for command in ("add", "password"):
        assert "--password " not in CliRunner().invoke(app, ["dashboard", "accounts", command, "--help"]).output


def test_a_password_is_asked_for_twice_and_not_shown(config: Path) -> None:
    main, side = pty.openpty()
    command = [sys.executable, "-m", "edge_agent.cli", "dashboard", "accounts", "add", "anna", "--role", "teacher"]
    process = subprocess.Popen(
        [*command, "--config", str(config)], stdin=side, stdout=side, stderr=side, start_new_session=True
    )
    os.close(side)
    shown = b""
    for prompt in (b"Password", b"The same again"):
        while prompt not in shown:
            shown += os.read(main, 1000)
        # What is typed before the echo is off is thrown away.
        wait_until(lambda: not termios.tcgetattr(main)[3] & termios.ECHO, what="the echo off")
        time.sleep(0.2)
        os.write(main, PASSWORD.encode() + b"\n")
    while b"may log in" not in shown:
        shown += os.read(main, 1000)
    assert process.wait(60) == 0
    os.close(main)
    assert PASSWORD.encode() not in shown
