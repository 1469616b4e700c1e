"""Tries files and folders as the agent will use them, and leaves them as they are."""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
import tempfile
from pathlib import Path

from edge_agent.errors import CheckFailed
from edge_agent.rights import dangling_link, denied_read, denied_write, nearest


def check_folder(folder: Path) -> str:
    """Whether files can be written in a folder, which the agent makes where it is missing.

    Returns:
        What was found, in a few words.

    Raises:
        CheckFailed: It cannot be made or written; with owner and command.
    """
    if (link := dangling_link(folder)) is not None:
        raise CheckFailed(
            f"{folder}: {link} is a link to {link.readlink()}, which is not there",
            remedy=f"Make what it leads to, or remove it: sudo rm {shlex.quote(str(link))}",
        )
    place = nearest(folder)
    try:
        if not place.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "a file where a folder should be")
        # Nameless: in a folder of the service's, root must not follow a link that somebody laid there.
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"x")
    except OSError as error:
        cause, remedy = denied_write(folder, error)
        raise CheckFailed(f"{folder}: cannot be written: {cause}", remedy=remedy) from None
    return f"{folder} can be written" if place == folder else f"{folder} will be made in {place}"


def check_file(path: Path, *, read: bool = True) -> None:
    """Whether a file that is there can be written, and read where asked for; one that is missing is fine.

    Raises:
        CheckFailed: It cannot; with owner and command.
    """
    try:
        # Not blocking, for it may be a pipe.
        flags = (os.O_RDWR if read else os.O_WRONLY) | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        handle = os.open(path, flags)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CheckFailed(f"{path}: is a link", expected="a file", remedy=f"Remove it: sudo rm {path}") from None
        cause, remedy = denied_write(path, error)
        raise CheckFailed(f"{path}: cannot be written: {cause}", remedy=remedy) from None
    _check_regular(path, handle)


def check_readable(path: Path) -> None:
    """Whether a file that is there can be read; one that is missing is fine.

    Raises:
        CheckFailed: It cannot; with owner and command.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        cause, remedy = denied_read(path, error)
        raise CheckFailed(f"{path}: cannot be read: {cause}", remedy=remedy) from None
    _check_regular(path, handle)


def _check_regular(path: Path, handle: int) -> None:
    """Refuse an opened folder, pipe or device, and close it in any case."""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise CheckFailed(
                f"{path}: is no file", expected="a file", remedy=f"Move it away: sudo mv {path} {path}.old"
            )
    finally:
        with contextlib.suppress(OSError):
            os.close(handle)
