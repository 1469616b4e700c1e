"""Who may use a file, and the command that changes it: for errors that a technician has to mend."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path
from typing import Final

_DENIED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}


def this_user() -> str:
    """The name of the user as whom this process runs."""
    return _user_name(os.geteuid()) if hasattr(os, "geteuid") else "this user"


def denied_read(path: Path, error: OSError, *, secret: bool = False) -> tuple[str, str]:
    """What to say of a file that cannot be read.

    Args:
        path: Which.
        error: What the system says.
        secret: Whether nobody else may read it: it then becomes the user's own.

    Returns:
        The cause, with the owner where rights are missing; and the remedy, empty where none is known.
    """
    if error.errno not in _DENIED or not hasattr(os, "geteuid"):
        return error.strerror or str(error), ""
    user, where = this_user(), _closed_folder(path)
    if where is not None:
        return (
            f"the user {user} may not look into {where}, which belongs to {owner_of(where)}",
            f"Let it in: {_command('chgrp', user, where)} && {_command('chmod', 'g+x', where)}",
        )
    cause = f"the user {user} may not read it, it belongs to {owner_of(path)}"
    if secret:
        return cause, f"{_command('chown', user, path)} && {_command('chmod', '600', path)}"
    return cause, f"{_command('chgrp', user, path)} && {_command('chmod', 'g+r', path)}"


def denied_write(path: Path, error: OSError) -> tuple[str, str]:
    """What to say of a file or folder that cannot be written; as :func:`denied_read`."""
    if error.errno == errno.ENOSPC:
        return "the disk is full", f"Make room: df -h {shlex.quote(str(nearest(path)))}"
    if error.errno == errno.EROFS:
        return "the file system is read-only", "Run: sudo mount -o remount,rw / (if that fails, check the disk)"
    if error.errno not in _DENIED or not hasattr(os, "geteuid"):
        return error.strerror or str(error), ""
    user, where = this_user(), _closed_folder(path)
    place = where or nearest(path)
    cause = f"the user {user} may not write there, {place} belongs to {owner_of(place)}"
    if not path.exists() and not path.suffix and where is None and place != path:
        return cause, f"sudo install -d -o {user} -m 750 {shlex.quote(str(path))}"
    return cause, f"{_command('chown', user, place)} && {_command('chmod', 'u+rwX', place)}"


def owner_of(path: Path) -> str:
    """The file's user and group, as ``root:root``."""
    try:
        found = path.stat()
    except OSError:
        return "another user"
    return f"{_user_name(found.st_uid)}:{_group_name(found.st_gid)}"


def dangling_link(path: Path) -> Path | None:
    """The link on the way to a path, or the path itself, that leads to nothing; ``None`` where there is none."""
    return next(
        (place for place in (path, *path.absolute().parents) if place.is_symlink() and not place.exists()), None
    )


def nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    for place in (path, *path.absolute().parents):
        try:
            place.stat()
        except OSError:
            continue
        return place
    return Path("/")


def _closed_folder(path: Path) -> Path | None:
    """The first folder on the way to a path into which this user may not look."""
    folders = reversed(path.absolute().parents)
    return next((folder for folder in folders if folder.is_dir() and not os.access(folder, os.X_OK)), None)


def _command(program: str, argument: str, path: Path) -> str:
    return f"sudo {program} {argument} {shlex.quote(str(path))}"


def _user_name(uid: int) -> str:
    import pwd  # here, because Windows has none, and who only trains there needs the rest

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{uid}"


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"{gid}"
