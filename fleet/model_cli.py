"""The commands ``edge-agent fleet publish-model | promote-model | withdraw-model | models``."""

from __future__ import annotations

import json as jsonlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.table import Table

from edge_agent.errors import InputError
from fleet.untrusted_text import print_table, printable

if TYPE_CHECKING:
    from edge_agent.protocol.model_manifest import ModelManifest
    from fleet.models import ModelPublisher
    from fleet.register import Register

FOLDER: Final = Path("/var/lib/edge-agent-fleet")
FolderOption = Annotated[
    Path,
    # Not typer's own check of rights, which names no remedy.
    typer.Option(
        "--folder", envvar="EDGE_AGENT_FLEET", readable=False, help="The fleet's folder, with the authority's key."
    ),
]
_MAX_VERSION: Final = 2**31 - 1
"""Dates fit (20261122), and what devices can count leaves room above: after its end a school could publish no more."""
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")


def publish_model(
    file: Annotated[Path, typer.Argument(help="A model bundle, from `python -m export convert`.")],
    device: Annotated[list[str] | None, typer.Option(help="Only this device: id or site/id. Repeatable.")] = None,
    canary: Annotated[str, typer.Option(metavar="PERCENT", help="First only a share of the devices: 10%.")] = "",
    new_labels: Annotated[
        bool, typer.Option("--new-labels", help="It may know other expressions than the devices' present model.")
    ] = False,
    max_slowdown: Annotated[
        float, typer.Option(min=0.1, max=1000, help="How many times the present model's time a face may take.")
    ] = 1.5,
    version: Annotated[
        int | None, typer.Option(min=1, max=_MAX_VERSION, help="Its number; the next one where left out.")
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Sign a model and offer it to all devices, to some, or to a share of them first."""
    from edge_agent.files import read_file
    from edge_agent.protocol.model_manifest import MAX_BUNDLE_BYTES
    from fleet.models import check_bundle, choose_canaries
    from fleet.school import utc_now

    if device and canary:
        raise InputError("fleet publish-model", expected="either --device or --canary")
    percent = _percent(canary) if canary else None
    content = read_file(file, "a model bundle", max_bytes=MAX_BUNDLE_BYTES)
    bundle = check_bundle(content, str(file))
    with _desk(folder) as (desk, register):
        chosen = tuple(sorted({register.find(name).name for name in device or ()}))
        if percent is not None:
            chosen = choose_canaries([entry.name for entry in register.active], percent, bundle.sha256)
            if not chosen:
                raise InputError("--canary", received="a fleet without devices", expected="one to choose from")
        published = desk.publish(
            content,
            bundle.metadata.name,
            utc_now(),
            devices=chosen,
            version=version,
            new_labels=new_labels,
            max_slowdown=max_slowdown,
        )
    typer.echo(f"{_title(published)} is published for {_audience(published)}.")
    if chosen:
        typer.echo("See how it does: edge-agent fleet list")
        typer.echo(f"Then for all:    edge-agent fleet promote-model {published.version}")


def promote_model(
    version: Annotated[int | None, typer.Argument(help="Which; the latest that is not for all where left out.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Offer a model to all devices that some were offered first."""
    with _desk(folder) as (desk, _):
        promoted = desk.promote(version)
    typer.echo(f"{_title(promoted)} is published for {_audience(promoted)}.")


def withdraw_model(
    version: Annotated[int, typer.Argument(help="Which.")],
    folder: FolderOption = FOLDER,
) -> None:
    """Offer a model no longer. Devices that run it go on with it until another one is published for them."""
    with _desk(folder) as (desk, _):
        withdrawn = desk.withdraw(version)
    typer.echo(f"{_title(withdrawn)} is no longer offered.")


def models(
    folder: FolderOption = FOLDER,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show what is published, and for whom."""
    import msgspec

    from fleet.models import ModelPublisher
    from fleet.register import read_register

    standing = ModelPublisher(folder, read_register(folder)).standing
    if json:
        typer.echo(jsonlib.dumps([msgspec.to_builtins(one) for one in standing], indent=2))
        return
    table = Table("version", "model", "name", "published", "for", box=None)
    for one in standing:
        table.add_row(*map(printable, (str(one.version), one.model_id, one.name, one.published_at, _audience(one))))
    print_table(table)


@contextmanager
def _desk(folder: Path) -> Iterator[tuple[ModelPublisher, Register]]:
    """The desk, after the broker goes by rules that know of models."""
    from fleet.broker_files import reload_broker
    from fleet.models import ModelPublisher
    from fleet.school import Fleet, utc_now

    with Fleet.changing(folder) as fleet:
        renewed = fleet.with_current_rules(utc_now())
        if renewed is not None:
            reload_broker(renewed.register, folder)
        register = (renewed or fleet).register
        yield ModelPublisher(folder, register), register


def _percent(text: str) -> float:
    matched = _PERCENT.fullmatch(text.strip())
    if matched is None or not 0 < float(matched[1]) <= 100:
        raise InputError("--canary", received=repr(text), expected="a share of the devices such as 10%")
    return float(matched[1])


def _title(one: ModelManifest) -> str:
    size = f"{one.size_bytes:,} bytes in {one.parts} parts"
    return f"{one.name} version {one.version} ({one.model_id}, {size})"


def _audience(one: ModelManifest) -> str:
    if not one.devices:
        return "all devices"
    noun = "device" if len(one.devices) == 1 else "devices"
    return f"{len(one.devices)} {noun}: {', '.join(one.devices)}"
