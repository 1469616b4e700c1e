"""Running commands on a device over ssh."""

from __future__ import annotations

import shlex
import subprocess

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
        raise InputError(f"{ssh} {host}: {error}") from None
    if done.returncode:
        raise InputError(
            f"{host}: '{command}' failed",
            received=f"exit code {done.returncode}",
            remedy=f"Try it by hand: {ssh} {host}",
        )
    return done.stdout
