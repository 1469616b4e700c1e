"""The commands ``edge-agent dashboard accounts ...``: who may log in to the page."""

from __future__ import annotations

import json as jsonlib
import os
import pwd
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.errors import InputError
from edge_agent.extras import needs_extra
from edge_agent.rights import this_user

if TYPE_CHECKING:
    from dashboard.access.access import Access
    from dashboard.access.accounts import Account
    from dashboard.access.audit import Action
    from dashboard.access.details import Detail
    from dashboard.history.store import History
    from edge_agent.client.events import Device

accounts_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Accounts of the page: who may log in, and see and do what."
)

NameArgument = Annotated[str, typer.Argument(help="What they type to log in.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", readable=False, help="The page's TOML file; defaults where left out.")
]
PasswordOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file", readable=False, help="File with the password in its first line; else it is asked for."
    ),
]
RoleOption = Annotated[
    list[str], typer.Option("--role", help="teacher, operator or data_officer. May be repeated.", metavar="ROLE")
]
RoomOption = Annotated[
    list[str] | None,
    typer.Option("--room", help="Device of a room that a teacher may see. May be repeated.", metavar="SITE/DEVICE"),
]


@accounts_app.callback()
def _accounts(
    context: typer.Context,
    config: ConfigOption = None,
) -> None:
    """Options of every command."""
    context.obj = config or context.obj


@accounts_app.command()
def add(
    context: typer.Context,
    name: NameArgument,
    role: RoleOption,
    room: RoomOption = None,
    password_file: PasswordOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an account. The password is asked for, or read from a file."""
    from dashboard.access.roles import parse_role, parse_room

    roles, rooms = [parse_role(text) for text in role], [parse_room(text) for text in room or ()]
    with opened(config or context.obj) as (access, history):
        password = _new_password(password_file)
        account = access.accounts.add(name, password, roles, rooms, time.time())
        _note(access, "account-added", name=account.name, roles=sorted(account.roles), rooms=_rooms_of(account))
        typer.echo(f"{account.name} may log in: {_summary(account)}")
        _say_unknown(account, history)


@accounts_app.command("list")
def list_accounts(
    context: typer.Context,
    config: ConfigOption = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show who may log in, and what they may see and do."""
    with opened(config or context.obj) as (access, _):
        accounts = access.accounts.all()
    if json:
        rows = [
            {
                "name": account.name,
                "roles": sorted(account.roles),
                "rooms": None if account.rights.rooms is None else [f"{s}/{d}" for s, d in sorted(account.rooms)],
            }
            for account in accounts
        ]
        typer.echo(jsonlib.dumps(rows, indent=2))
        return
    for account in accounts:
        typer.echo(f"{account.name}: {_summary(account)}")
    if not accounts:
        typer.echo("no accounts: everybody at this machine sees and may do everything; nobody else reaches the page")


@accounts_app.command()
def remove(context: typer.Context, name: NameArgument, config: ConfigOption = None) -> None:
    """Remove an account, and end its sessions at once."""
    with opened(config or context.obj) as (access, _):
        access.accounts.find(name)
        _note(access, "account-removed", name=name)
        access.accounts.remove(name)
        typer.echo(f"{name} is removed")
        if not access.accounts.any():
            typer.echo("note: no account is left: the page is open to everybody at this machine alone", err=True)


@accounts_app.command()
def password(
    context: typer.Context, name: NameArgument, password_file: PasswordOption = None, config: ConfigOption = None
) -> None:
    """Set another password, and end the account's sessions."""
    with opened(config or context.obj) as (access, _):
        access.accounts.find(name)
        new = _new_password(password_file)
        _note(access, "account-password", name=name)
        access.accounts.set_password(name, new, time.time())
        typer.echo(f"{name} has a new password; its sessions have ended")


@accounts_app.command()
def rooms(
    context: typer.Context,
    name: NameArgument,
    room: Annotated[
        list[str] | None, typer.Argument(metavar="[SITE/DEVICE]...", help="All rooms of the account.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all rooms away.")] = False,
    config: ConfigOption = None,
) -> None:
    """Show a teacher's rooms, or set them: those that are named and no others."""
    from dashboard.access.roles import parse_room

    if none and room:
        raise InputError("accounts rooms", expected="either rooms or --none")
    wanted = [parse_room(text) for text in room or ()]
    with opened(config or context.obj) as (access, history):
        account = access.accounts.find(name)
        if wanted or none:
            _note(access, "account-rooms", name=account.name, rooms=[f"{s}/{d}" for s, d in wanted])
            account = access.accounts.set_rooms(name, wanted)
        typer.echo(f"{account.name}: {_summary(account)}")
        _say_unknown(account, history)


@accounts_app.command()
def roles(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[list[str], typer.Argument(metavar="ROLE...", help="All roles of the account.")],
    config: ConfigOption = None,
) -> None:
    """Set the roles of an account: those that are named and no others."""
    from dashboard.access.roles import parse_role

    wanted = [parse_role(text) for text in role]
    with opened(config or context.obj) as (access, _):
        access.accounts.find(name)
        _note(access, "account-roles", name=name, roles=wanted)
        typer.echo(f"{name}: {_summary(access.accounts.set_roles(name, wanted))}")


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[Access, History]]:
    """The page's accounts, log and history, with the rights of their owner."""
    from dashboard.settings import DashboardSettings, load_dashboard_settings

    settings = load_dashboard_settings(config) if config else DashboardSettings()
    _become_owner(Path(settings.store.where()))
    with needs_extra("dashboard"):
        from dashboard.access.access import Access
        from dashboard.history.opening import open_store
    history = open_store(settings.store)
    try:
        yield Access(history.database, settings.access), history
    finally:
        history.close()


def _become_owner(store: Path) -> None:
    """As root: take the rights of whose database it is, so that no file is left that they cannot use."""
    if os.geteuid() != 0 or "://" in str(store):
        return
    place = store if store.exists() else store.parent
    try:
        owner = place.stat()
        account = pwd.getpwuid(owner.st_uid)
    except (OSError, KeyError):
        return
    if owner.st_uid != 0:
        os.initgroups(account.pw_name, account.pw_gid)
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)


def _new_password(file: Path | None) -> str:
    from edge_agent.files import read_password

    if file is not None:
        return read_password(str(file), "--password-file")
    if not sys.stdin.isatty():
        raise InputError("the password", expected="a terminal to ask for it, or --password-file FILE")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt="The same again"))


def note_at_terminal(access: Access, action: Action, detail: Detail, device: Device | None = None) -> None:
    """Write into the log what somebody does by a command, in the name of the account at this machine.

    Raises:
        DatabaseError: It cannot be written.
    """
    who = os.environ.get("SUDO_USER") or this_user()
    access.audit.record(action, who, "terminal", time.time(), device=device, detail=detail)


def _note(access: Access, word: str, **values: object) -> None:
    from dashboard.access.details import Detail

    note_at_terminal(access, "accounts", Detail(word, values))


def _rooms_of(account: Account) -> list[str] | None:
    from dashboard.access.details import rooms_value

    return rooms_value(account.rights.rooms)


def _summary(account: Account) -> str:
    names = ", ".join(sorted(account.roles))
    if account.rights.rooms is None:
        return f"{names}, all rooms"
    return f"{names}, " + (", ".join(f"{site}/{device}" for site, device in sorted(account.rooms)) or "no rooms")


def _say_unknown(account: Account, history: History) -> None:
    known = set(history.rooms())
    if known and (unknown := sorted(account.rooms - known)):
        names = ", ".join(f"{site}/{device}" for site, device in unknown)
        typer.echo(f"note: no such device has been heard yet: {names}", err=True)
    if "teacher" in account.roles and account.rights.rooms == frozenset():
        typer.echo(f"note: without a room they see nothing: accounts rooms {account.name} SITE/DEVICE", err=True)
