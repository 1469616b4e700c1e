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
from fleet.options import FOLDER, FolderOption
from fleet.untrusted_text import print_table, printable

if TYPE_CHECKING:
    from edge_agent.protocol.model_manifest import ModelManifest
    from fleet.models import ModelPublisher
    from fleet.register import Register

_MAX_VERSION: Final = 2**31 - 1
"""Dates such as 20261122 fit. Devices accept higher numbers, so that a school can always publish another one."""
_PERCENT: Final = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*(%|percent)?", re.IGNORECASE)


def publish_model(
    file: Annotated[Path, typer.Argument(help="A model bundle, from `python -m export convert`.")],
    device: Annotated[list[str] | None, typer.Option(help="Only this device: id or site/id. Repeatable.")] = None,
    canary: Annotated[str, typer.Option(metavar="PERCENT", help="First only for a share of the devices: 10%.")] = "",
    new_labels: Annotated[
        bool, typer.Option("--new-labels", help="It may have other labels than the devices' present model.")
    ] = False,
    max_slowdown: Annotated[
        float, typer.Option(min=0.1, max=1000, help="How many times the present model's time a face may take.")
    ] = 1.5,
    version: Annotated[
        int | None, typer.Option(min=1, max=_MAX_VERSION, help="Its number; by default the next one.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish it although its recorded accuracy is worse than the present one's.")
    ] = False,
    folder: FolderOption = FOLDER,
) -> None:
    """Sign a model and publish it for all devices, for some, or for a share of them first."""
    from edge_agent.files import read_file
    from edge_agent.protocol.model_manifest import MAX_BUNDLE_BYTES
    from fleet.bundle_check import check_bundle, compare_with_present
    from fleet.models import choose_canaries
    from fleet.register import utc_now

    if device and canary:
        raise InputError("fleet publish-model", expected="either --device or --canary")
    percent = _percent(canary) if canary else None
    content = read_file(file, "a model bundle", max_bytes=MAX_BUNDLE_BYTES)
    bundle = check_bundle(content, str(file))
    with _publisher(folder) as (publisher, register):
        chosen = tuple(sorted({register.find(name).name for name in device or ()}))
        if percent is not None:
            chosen = choose_canaries([entry.name for entry in register.active], percent, bundle.sha256)
            if not chosen:
                raise InputError("--canary", received="a fleet without devices", expected="one to choose from")
        if compared := compare_with_present(bundle, publisher.present_bundle(), force=force):
            typer.echo(compared, err=True)
        published = publisher.publish(
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
    version: Annotated[int | None, typer.Argument(help="Which version; by default the latest not for all.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Publish a model for all devices that was published for some of them first."""
    with _publisher(folder) as (publisher, _):
        promoted = publisher.promote(version)
    typer.echo(f"{_title(promoted)} is published for {_audience(promoted)}.")


def withdraw_model(
    version: Annotated[int, typer.Argument(help="Which version.")],
    folder: FolderOption = FOLDER,
) -> None:
    """Remove a model from what is published. Devices that run it keep it until another one is published for them."""
    with _publisher(folder) as (publisher, _):
        withdrawn = publisher.withdraw(version)
    typer.echo(f"{_title(withdrawn)} is no longer published. Devices that run it keep it.")
    typer.echo("To have them go back to the model before: edge-agent fleet rollback-model")


def rollback_model(
    version: Annotated[int | None, typer.Argument(help="Which version; by default the one before the latest.")] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Publish an earlier model again, signed anew with the next version, for those who got the latest one."""
    from fleet.register import utc_now

    with _publisher(folder) as (publisher, _):
        published = publisher.roll_back(version, utc_now())
    typer.echo(f"{_title(published)} is published for {_audience(published)}.")
    typer.echo("See how it does: edge-agent fleet list")


def models(
    folder: FolderOption = FOLDER,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show which models are published, and for which devices."""
    import msgspec

    from fleet.models import ModelPublisher
    from fleet.register import read_register

    published = ModelPublisher(folder, read_register(folder)).published
    if json:
        typer.echo(jsonlib.dumps([msgspec.to_builtins(one) for one in published], indent=2))
        return
    table = Table("version", "model", "name", "published", "for", box=None)
    for one in published:
        table.add_row(*map(printable, (str(one.version), one.model_id, one.name, one.published_at, _audience(one))))
    print_table(table)


@contextmanager
def _publisher(folder: Path) -> Iterator[tuple[ModelPublisher, Register]]:
    """The publisher of models, after the broker has applied access rules for them; and the register."""
    from fleet.broker_connection import reload_broker
    from fleet.models import ModelPublisher
    from fleet.register import utc_now
    from fleet.school import Fleet

    with Fleet.changing(folder) as fleet:
        renewed = fleet.with_current_rules(utc_now())
        if renewed is not None:
            reload_broker(renewed.register, folder)
        register = (renewed or fleet).register
        yield ModelPublisher(folder, register), register


def _percent(text: str) -> float:
    matched = _PERCENT.fullmatch(text.strip())
    share = float(matched[1].replace(",", ".")) if matched else 0.0
    if matched and 0 < share < 1 and not matched[2]:
        raise InputError(
            "--canary",
            received=f"{text!r}, which may be a fraction",
            expected="a share of the devices such as 10%",
            remedy=f"Write --canary {100 * share:g}%, or {share:g}% for so little",
        )
    if not 0 < share <= 100:
        raise InputError("--canary", received=repr(text), expected="a share of the devices such as 10%, at most 100%")
    return share


def _title(one: ModelManifest) -> str:
    size = f"{one.size_bytes:,} bytes in {one.parts} parts"
    return f"{one.name} version {one.version} ({one.model_id}, {size})"


def _audience(one: ModelManifest) -> str:
    if not one.devices:
        return "all devices"
    noun = "device" if len(one.devices) == 1 else "devices"
    return f"{len(one.devices)} {noun}: {', '.join(one.devices)}"
