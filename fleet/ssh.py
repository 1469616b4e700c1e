"""Running commands on a device over ssh."""

from __future__ import annotations

import re
import shlex
import subprocess

from edge_agent.addresses.credentials import HIDDEN
from edge_agent.addresses.masking import shown_host
from edge_agent.errors import InputError

_TIMEOUT_S = 120.0


def run_on_device(ssh: str, host: str, command: str, standard_input: bytes = b"") -> bytes:
    """Run a command on a device and return what it prints. Errors of the device go straight to the screen.

    Args:
        ssh: The ssh program with its options, for example ``ssh -i key``.
        host: The device, by a name that ssh knows.
        command: For the device's shell.
        standard_input: For the command.

    Raises:
        InputError: ssh or the command fails.
    """
    try:
        # No shell, and `--`: a host name that looks like an option stays a host name.
        done = subprocess.run(
            [*shlex.split(ssh), "--", host, command],
            input=standard_input,
            stdout=subprocess.PIPE,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{_program(ssh)} {shown_target(host)}: {_words(error)}") from None
    if done.returncode:
        raise InputError(
            f"{shown_target(host)}: '{command}' failed",
            received=f"exit code {done.returncode}",
            remedy=f"Try it by hand: {_program(ssh)} {shown_target(host)}",
        )
    return done.stdout


def shown_target(host: str) -> str:
    """The device for a message: the user only where it is a plain name, the host only where it is one."""
    user, at, place = host.removeprefix("ssh://").rpartition("@")
    plain = re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", user) is not None
    return (user if plain or not user else HIDDEN) + at + shown_host(place)


def _program(ssh: str) -> str:
    """The ssh program for a message: its options may hold a password (``sshpass -p``)."""
    words = ssh.split()
    return words[0] + (f" {HIDDEN}" if len(words) > 1 else "") if words else '""'


def _words(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {error.timeout:g} s"
    return error.strerror if isinstance(error, OSError) and error.strerror else "not a command line"
