"""The commands ``edge-agent fleet ...``, also ``edge-fleet ...``."""

from __future__ import annotations

import json as jsonlib
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge_agent.command_line import HELP_WIDTH, Commands, run_app
from edge_agent.errors import AgentError, BrokerError, InputError
from fleet.backup_cli import backup, restore
from fleet.loadtest.cli import simulate
from fleet.model_cli import models, promote_model, publish_model, rollback_model, withdraw_model
from fleet.options import FOLDER, FolderOption
from fleet.page_cli import page
from fleet.untrusted_text import print_table, printable

if TYPE_CHECKING:
    from edge_agent.enrol.requests import Response
    from fleet.school import Fleet

fleet_app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_WIDTH,
    help="A school's devices: certificates, enrolment, revocation. For the machine with the school's authority.",
)

for _command in (publish_model, promote_model, models, rollback_model, withdraw_model, page, backup, restore):
    fleet_app.command()(_command)

SshOption = Annotated[str, typer.Option("--ssh", metavar="HOST", help="Do everything on that device over ssh.")]
SshCommandOption = Annotated[str, typer.Option(help="The ssh program with its options.")]


fleet_app.command()(simulate)


@fleet_app.command()
def init(
    name: Annotated[str, typer.Argument(help="The school's name.")],
    host: Annotated[list[str], typer.Option(help="Name or address of the broker, as devices reach it. Repeatable.")],
    folder: FolderOption = FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The broker's port for devices.")] = 8883,
    root: Annotated[str, typer.Option(help="First part of all topics.")] = "classroom",
    broker_folder: Annotated[Path, typer.Option(help="Where the broker reads its files.")] = Path(
        "/etc/mosquitto/classroom"
    ),
    reload: Annotated[
        str, typer.Option(help="Command that makes the broker read them again.")
    ] = "systemctl reload mosquitto",
) -> None:
    """Make the school's certificate authority and the broker's first files."""
    from edge_agent.enrol.certificates import fingerprint
    from fleet.register import School, check_school, new_identity, utc_now
    from fleet.school import Fleet

    try:
        command = tuple(shlex.split(reload))
    except ValueError as error:
        raise InputError("--reload", expected=f"a command line ({error})") from None
    school = School(
        name=name,
        root=root,
        hosts=tuple(host),
        port=port,
        broker_folder=str(broker_folder.absolute()),
        reload=command,
        reader=new_identity("fleet"),
    )
    check_school(school)
    fleet = Fleet.create(folder.absolute(), school, utc_now())
    typer.echo(f"The authority of {name} is in {folder} (sha256 {fingerprint(fleet.authority.certificate)} ...).")
    typer.echo("Back up this folder, encrypted and off this machine. Without ca.key no device can be added or renewed,")
    typer.echo("and whoever has ca.key can make devices.")
    typer.echo(f"The broker's files are in {broker_folder}; restart it now: sudo systemctl restart mosquitto")


@fleet_app.command()
def add(
    request: Annotated[Path | None, typer.Argument(help="From `edge-agent enrol --request` on the device.")] = None,
    out: Annotated[Path | None, typer.Option(help="The answer's file; by default beside the request.")] = None,
    ssh: SshOption = "",
    ssh_command: SshCommandOption = "ssh",
    folder: FolderOption = FOLDER,
) -> None:
    """Enrol a device: sign its request, give it access to the broker, write the answer."""
    from edge_agent.enrol.certificates import fingerprint, key_fingerprint
    from edge_agent.enrol.requests import MAX_BYTES, Request, decode_file
    from edge_agent.files import check_place_for, read_file
    from fleet.register import utc_now
    from fleet.school import Fleet
    from fleet.ssh import run_on_device, shown_target

    if bool(ssh) == bool(request):
        raise InputError("fleet add", expected="either a request file or --ssh HOST")
    target = None if request is None else out or request.with_suffix(".answer")
    if request is not None and target is not None:
        content, source = read_file(request, "a request", max_bytes=MAX_BYTES), str(request)
        check_place_for(target)
    else:
        content, source = run_on_device(ssh_command, ssh, "sudo edge-agent enrol --request -"), shown_target(ssh)
    asked = decode_file(content, Request, source)
    with Fleet.changing(folder) as fleet:
        fleet, response = fleet.add(asked, source, utc_now())
        _reload_broker(fleet)
    name = f"{response.site}/{response.device}"
    with _delivering(name, "Then run this again"):
        _deliver(response, target, ssh_command, ssh)
    if target is None:
        typer.echo(f"{name} is enrolled.")
        return
    typer.echo(f"{name} is enrolled. Take {target} to the device and run there:")
    typer.echo(f"  sudo edge-agent enrol {target.name} && sudo systemctl restart edge-agent")
    typer.echo(f"The device's key, as it showed it:  {key_fingerprint(asked.csr, source)}")
    typer.echo(f"The authority, as it will show it:  {fingerprint(fleet.authority.certificate)}")


@fleet_app.command()
def renew(
    devices: Annotated[list[str] | None, typer.Argument(help="Which devices; by default those that are due.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the answers.")] = Path(),
    broker: Annotated[bool, typer.Option("--broker", help="Renew the broker's own certificate instead.")] = False,
    ssh: SshOption = "",
    ssh_command: SshCommandOption = "ssh",
    folder: FolderOption = FOLDER,
) -> None:
    """Issue new certificates before the old ones expire. Keys and access stay as they are."""
    from edge_agent.files import check_place_for
    from fleet.register import utc_now
    from fleet.school import Fleet

    with Fleet.changing(folder) as fleet:
        if broker:
            _reload_broker(fleet.renew_broker(utc_now()))
            typer.echo("The broker and the fleet commands have new certificates.")
            typer.echo("Browsers are shown the new one after: sudo systemctl restart mosquitto")
            return
        wanted = list(dict.fromkeys(map(fleet.register.find, devices))) if devices else list(fleet.due(utc_now()))
        if ssh and len(wanted) != 1:
            raise InputError("fleet renew --ssh", received=f"{len(wanted)} devices", expected="the name of one")
        for device in wanted:
            target = None if ssh else out / f"{device.site}-{device.device}.answer"
            if target is not None:
                check_place_for(target)
            # In the register it is no longer due.
            again = f"Name the device when you run this again: edge-agent fleet renew {device.name}"
            with _delivering(device.name, again):
                fleet, response = fleet.renew(device, utc_now())
                _deliver(response, target, ssh_command, ssh)
            if target is None:
                typer.echo(f"{device.name} has its new certificate.")
                continue
            typer.echo(f"{device.name}: take {target} to the device and run there: sudo edge-agent enrol {target.name}")
    if not wanted:
        typer.echo("No certificate is due.")


@fleet_app.command()
def revoke(
    device: Annotated[str, typer.Argument(help="Its id, or site/id.")],
    folder: FolderOption = FOLDER,
) -> None:
    """Revoke a device at once: no access, its connection closed, its certificates refused."""
    from fleet.broker_connection import disconnect, reload_broker
    from fleet.fleet_status import clear_retained, publish_offline
    from fleet.register import utc_now
    from fleet.school import Fleet

    with Fleet.changing(folder) as fleet:
        # Also a revoked one: perhaps the broker could not be reached before.
        entry = fleet.register.find_even_revoked(device)
        fleet = fleet.revoke(entry, utc_now())
        try:
            reload_broker(fleet.register, folder)
            disconnect(fleet.register, fleet.authority, entry, utc_now())
            publish_offline(fleet.register, folder, entry)
            clear_retained(fleet.register, folder, entry)
        except AgentError as error:
            raise BrokerError(
                f"{entry.name} is revoked in the register and in the broker's files, but the broker was not seen to "
                f"apply it: {str(error).rstrip('.')}",
                remedy="Restart the broker, sudo systemctl restart mosquitto, and run this again",
            ) from None
    typer.echo(f"{entry.name} is revoked: no access, connection closed, certificates refused.")


@fleet_app.command()
def apply(folder: FolderOption = FOLDER) -> None:
    """Write the broker's files again, make it read them, and publish the models again."""
    from fleet.broker_connection import not_confirmed, reload_broker
    from fleet.models import ModelPublisher
    from fleet.register import utc_now
    from fleet.school import Fleet

    with Fleet.changing(folder) as fleet:
        fleet = fleet.apply(utc_now())
        try:
            reload_broker(fleet.register, folder)
        except AgentError as error:
            raise BrokerError(not_confirmed(error).rstrip("."), remedy="Then run this again") from None
        ModelPublisher(folder, fleet.register).publish_again()
    typer.echo("The broker uses the current rules.")


@fleet_app.command("list")
def list_devices(
    folder: FolderOption = FOLDER,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the broker.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show who is enrolled, who is online, what runs there, and which certificates end soon."""
    from fleet.fleet_status import fleet_status
    from fleet.register import utc_now
    from fleet.school import DUE_WITHIN, Fleet

    fleet = Fleet.open(folder)
    now = utc_now()
    try:
        statuses = fleet_status(fleet.register, fleet.due(now), None if offline else folder)
    except BrokerError as error:
        raise BrokerError(str(error).rstrip("."), remedy="Use --offline to see only what the register knows") from None
    if json:
        rows = [
            {
                field: str(getattr(status, field)) if field == "until" else getattr(status, field)
                for field in status.__slots__
            }
            for status in statuses
        ]
        typer.echo(jsonlib.dumps(rows, indent=2))
        return
    table = Table("device", "state", "version", "model", "update", "last seen", "certificate until", box=None)
    for status in statuses:
        until = f"{status.until:%Y-%m-%d}" + (" (renew)" if status.due else "")
        cells = (status.name, status.state, status.version, status.model, status.update, status.last_seen, until)
        table.add_row(*map(printable, cells))
    print_table(table)
    broker_until = fleet.broker_until()
    if broker_until - now < DUE_WITHIN:
        typer.echo(f"The broker's own certificate ends on {broker_until:%Y-%m-%d}: edge-agent fleet renew --broker")


def _deliver(response: Response, target: Path | None, ssh_command: str, ssh: str) -> None:
    """Write a device's answer to a file; without one, put it in use on the device by SSH."""
    from edge_agent.enrol.requests import encode_file
    from edge_agent.files import PUBLIC, write_file
    from fleet.ssh import run_on_device

    if target is not None:
        write_file(target, encode_file(response), PUBLIC)
        return
    run_on_device(ssh_command, ssh, "sudo edge-agent enrol -", encode_file(response))
    run_on_device(ssh_command, ssh, "sudo systemctl try-restart edge-agent")


@contextmanager
def _delivering(device: str, remedy: str) -> Iterator[None]:
    """Say what to do where a device does not get the certificate that the register has."""
    problem = f"{device} may not have its new certificate"
    try:
        yield
    except AgentError as error:
        raise InputError(f"{problem}: {str(error).rstrip('.')}", remedy=remedy) from None
    except KeyboardInterrupt:
        typer.echo(f"{problem}. {remedy}.", err=True)
        raise


def _reload_broker(fleet: Fleet) -> None:
    from fleet.broker_connection import not_confirmed, reload_broker

    try:
        reload_broker(fleet.register, fleet.folder)
    except AgentError as error:
        typer.echo(f"note: {not_confirmed(error)}", err=True)


_IN_ORDER_OF_USE = ("init", "add", "list_devices", "renew", "revoke", "apply")
fleet_app.registered_commands.sort(  # what comes first in a school's life stands first in the help; the rest follows
    key=lambda command: (
        _IN_ORDER_OF_USE.index(name)
        if (name := getattr(command.callback, "__name__", "")) in _IN_ORDER_OF_USE
        else len(_IN_ORDER_OF_USE) + (name == simulate.__name__)
    )
)


def main() -> None:
    """Run the command line."""
    run_app(fleet_app, extra="fleet")


if __name__ == "__main__":
    main()
