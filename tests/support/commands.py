"""The command ``edge-agent`` in a process of its own, without the time that Python, NumPy and OpenCV take to start.

A server with all of that imported forks for every command. It has run nothing of it, so a command meets what a new
process meets: its own arguments, environment, folder, output and exit code.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_MODULES = (
    "rich.console",
    "rich.table",
    "ai_edge_litert.interpreter",
    "edge_agent.app",
    "edge_agent.commands.aim",
    "edge_agent.commands.classify",
    "edge_agent.commands.diagnostics",
    "edge_agent.commands.doctor",
    "edge_agent.cli",
)
_WITHIN_S = 100
_DROPPED = (1, 2, 3)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER: by these root may use every file."""


def edge_agent(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    without_rights: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end.

    Args:
        arguments: What stands after ``edge-agent``.
        environment: Variables that it has besides those of this process.
        folder: The folder it runs in; this process' one unless given.
        without_rights: Run as a user whose rights count, also where this process is root.

    Raises:
        subprocess.TimeoutExpired: It has not ended within 100 seconds.
    """
    command = ["edge-agent", *map(str, arguments)]
    with tempfile.TemporaryDirectory() as made:
        outputs = [Path(made) / name for name in ("stdout", "stderr")]
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        asked = {
            "arguments": command,
            "environment": {**os.environ, **(environment or {})},
            "folder": str(folder or Path.cwd()),
            "outputs": list(map(str, outputs)),
            "without_rights": without_rights,
        }
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        if not select.select([server.stdout], [], [], _WITHIN_S)[0]:
            os.killpg(server.pid, signal.SIGKILL)  # the command with it
            server.wait()
            _server.cache_clear()
            raise subprocess.TimeoutExpired(command, _WITHIN_S)
        status = json.loads(server.stdout.readline())
        return subprocess.CompletedProcess(command, status, *(path.read_text() for path in outputs))


@cache
def _server() -> subprocess.Popen[str]:
    """The server; it ends when its standard input does, with this process."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; from {__name__} import _serve; _serve()"
    server = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(server.communicate)
    return server


def _serve() -> None:
    """Fork for every line of standard input; the command's process returns into it as a program would."""
    import importlib
    import warnings

    for name in _MODULES:
        importlib.import_module(name)
    from edge_agent.cli import main

    # Newer Pythons warn of OpenBLAS' threads, which a fork starts anew.
    warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(json.loads(line))
            main()
            return
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def _become(asked: dict[str, Any]) -> None:
    arguments: Sequence[str] = asked["arguments"]
    for number, path in zip((1, 2), asked["outputs"], strict=True):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[:] = arguments
    if asked["without_rights"] and os.geteuid() == 0:
        _drop_rights()


def _drop_rights() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable rights 0 to 31, then those from 32
    drop_from_bounding_set = 24
    failed = libc.capget(header, sets)
    for right in _DROPPED:
        failed |= libc.prctl(drop_from_bounding_set, right, 0, 0, 0)
        for which in range(3):
            sets[which] &= ~(1 << right)
    if failed | libc.capset(header, sets):
        raise OSError(ctypes.get_errno(), "the rights of root cannot be dropped")
