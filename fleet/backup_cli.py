"""The commands ``edge-agent fleet backup | restore``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.errors import InputError
from fleet.options import FOLDER, FolderOption

_STANDARD = Path("-")


def backup(
    file: Annotated[Path, typer.Argument(help="The archive to write; - writes it to standard output.")],
    folder: FolderOption = FOLDER,
) -> None:
    """Pack the fleet's folder, with its keys, into one archive. It is not encrypted: keep it in a safe place."""
    from edge_agent.files import SECRET, write_file
    from fleet.backup import pack

    if file == _STANDARD and sys.stdout.isatty():
        raise InputError(
            "fleet backup -",
            received="a terminal",
            expected="a program that takes the archive",
            remedy="Encrypt it: edge-agent fleet backup - | gpg --symmetric --output FILE",
        )
    if file != _STANDARD and file.exists() and not file.is_file():
        raise InputError(f"{file}: no file", expected="the name of a file to write")
    content = pack(folder)
    if file == _STANDARD:
        sys.stdout.buffer.write(content)
        return
    write_file(file, content, SECRET)
    typer.echo(f"{file} holds the authority's key ({len(content):,} bytes). Encrypt it, and keep it off this machine.")


def restore(
    file: Annotated[Path, typer.Argument(help="The archive; - reads it from standard input.")],
    check: Annotated[bool, typer.Option("--check", help="Only check whether it can be restored.")] = False,
    folder: FolderOption = FOLDER,
) -> None:
    """Put a fleet's folder back in place, all of it or nothing. An existing folder is never overwritten."""
    from edge_agent.files import read_file
    from fleet.backup import unpack

    if file == _STANDARD:
        content, source = sys.stdin.buffer.read(), "standard input"
    else:
        content, source = read_file(file, "an archive from `edge-agent fleet backup`"), str(file)
    fleet = unpack(content, source, folder.absolute(), check_only=check)
    devices = len(fleet.register.active)
    summary = f"{fleet.register.school.name}, {devices} enrolled {'device' if devices == 1 else 'devices'}"
    if check:
        typer.echo(f"{source} is whole: {summary}.")
        return
    typer.echo(f"{folder} is in place: {summary}. Now: sudo edge-agent fleet apply")
    typer.echo("Enrol again what was enrolled after this backup, and revoke again what was revoked after it.")
