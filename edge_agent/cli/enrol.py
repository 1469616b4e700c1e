"""The command ``edge-agent enrol``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.errors import InputError

_CONFIG = Path("/etc/edge-agent/agent.toml")
_STANDARD_STREAM = "-"


def enrol(
    answer: Annotated[str | None, typer.Argument(help="The school's answer; - reads it from standard input.")] = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="FILE", help="Write a request for the school; - prints it.")
    ] = None,
    config: Annotated[Path, typer.Option(help="The agent's TOML file.")] = _CONFIG,
    keys: Annotated[
        Path | None,
        typer.Option(help="Folder for key and certificates; by default /var/lib/edge-agent/tls, or beside --config."),
    ] = None,
) -> None:
    """Make this device known to the school's broker: first --request, then the answer."""
    folder = (keys or _keys_folder(config)).absolute()
    if answer is None and request is not None:
        _write_request(request, config, folder)
    elif answer is not None and request is None:
        _accept(answer, config, folder)
    else:
        raise InputError("enrol", expected="either --request FILE or the answer's file")


def _keys_folder(config: Path) -> Path:
    """Where key and certificates of the device with this settings file are: where it names them, else beside it. Those
    of the installed service have their own place.
    """
    from edge_agent.config_file import load_settings
    from edge_agent.enrol.device import KEYS_FOLDER

    named = load_settings(config).mqtt.tls.key
    if named:
        return Path(named).parent
    return KEYS_FOLDER if config.absolute() == _CONFIG else config.absolute().parent / "tls"


def _write_request(target: str, config: Path, folder: Path) -> None:
    from edge_agent.config_file import load_settings
    from edge_agent.enrol.certificates import key_fingerprint
    from edge_agent.enrol.device import make_device_request
    from edge_agent.enrol.requests import encode_file
    from edge_agent.files import PUBLIC, write_file

    request = make_device_request(load_settings(config), folder)
    if target == _STANDARD_STREAM:
        sys.stdout.buffer.write(encode_file(request))
        return
    write_file(Path(target), encode_file(request), PUBLIC)
    typer.echo(f"Take {target} to the machine with the school's authority and run there:")
    typer.echo(f"  sudo edge-agent fleet add {Path(target).name}")
    typer.echo(f"The private key is in {folder} and stays there.")
    typer.echo(f"This device's key:  {key_fingerprint(request.csr, target)}")


def _accept(answer: str, config: Path, folder: Path) -> None:
    from edge_agent.enrol.certificates import fingerprint, read_certificate
    from edge_agent.enrol.device import accept_response
    from edge_agent.enrol.requests import MAX_BYTES, Response, decode_file
    from edge_agent.files import read_file

    if answer == _STANDARD_STREAM:
        content, source = sys.stdin.buffer.read(MAX_BYTES), "standard input"
    else:
        content, source = read_file(Path(answer), "an answer", max_bytes=MAX_BYTES), answer
    response = decode_file(content, Response, source)
    accept_response(response, source, config, folder)
    typer.echo(f"Enrolled. {config} names the broker and the certificates. Check: edge-agent doctor --config {config}")
    typer.echo(f"Key and certificates are in {folder}.")
    typer.echo(f"The authority:  {fingerprint(read_certificate(response.authority.encode(), source))}")
