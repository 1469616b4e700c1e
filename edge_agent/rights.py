"""Who may use a file, and the command that changes it: for errors that a technician has to mend."""

from __future__ import annotations

import errno
import os
import re
import shlex
import stat
import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

_DENIED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_GET_FLAGS: Final = 0x80086601
_IMMUTABLE: Final = 0x10


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
    if error.errno in _FULL:
        words = "the disk is full" if error.errno == errno.ENOSPC else f"the user {this_user()} has no room left there"
        return words, f"Make room: df -h {shlex.quote(str(nearest(path)))}"
    if error.errno == errno.EROFS:
        return _read_only(nearest(path))
    if error.errno not in _DENIED or not hasattr(os, "geteuid"):
        return error.strerror or str(error), ""
    user, where = this_user(), _closed_folder(path)
    place = where or nearest(path)
    if error.errno == errno.EPERM and _is_immutable(place):
        return f"{place} is marked as one that must not change", _command("chattr", "-i", place)
    cause = f"the user {user} may not write there, {place} belongs to {owner_of(place)}"
    if where is None and not path.exists() and not path.suffix and place != path:
        return cause, f"sudo install -d -o {user} -m 750 {shlex.quote(str(path))}"
    return cause, f"{_command('chown', user, place)} && {_command('chmod', 'u+rwX', place)}"


def unwritable(files: Sequence[Path], folder: Path) -> tuple[str, str] | None:
    """Find out by trying why files cannot be written, or why none can be made beside them.

    Args:
        files: What is to be written; one that is missing is fine.
        folder: Where they are.

    Returns:
        Cause and remedy as :func:`denied_write` says them; ``None`` where nothing keeps this process from it.
    """
    tried = [*((file, _error_of_file(file)) for file in files), (folder, _error_of_folder(folder))]
    denied = [(path, error) for path, error in tried if error is not None]
    if not denied:
        return None
    cause, remedy = denied_write(*denied[0])
    rights = [path for path, error in denied if error.errno == errno.EACCES]
    if denied[0][1].errno == errno.EACCES and len(rights) > 1:
        places = " ".join(shlex.quote(str(path)) for path in rights)
        remedy = f"sudo chown {this_user()} {places} && sudo chmod u+rwX {places}"
    return cause, remedy


def _error_of_file(file: Path) -> OSError | None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        pass
    except OSError as error:
        return error
    return None


def _error_of_folder(folder: Path) -> OSError | None:
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
    except OSError as error:
        return error
    return None


class _Mount(NamedTuple):
    """What is mounted at a place, and whether the place or the whole file system is read-only."""

    point: str
    read_only_here: bool
    read_only: bool


def mount_point(path: Path) -> Path:
    """Where the file system is mounted on which a path is."""
    return Path(found.point) if (found := _mount_of(path)) else Path("/")


def _read_only(path: Path) -> tuple[str, str]:
    """Cause and remedy where the file system is read-only, or looks so to this process alone."""
    mount = _mount_of(path) or _Mount("/", read_only_here=True, read_only=True)
    place = shlex.quote(mount.point)
    if mount.read_only_here and not mount.read_only:
        if "INVOCATION_ID" in os.environ:  # systemd shows a service most of the system as read-only
            folder = shlex.quote(str(path if path.is_dir() else path.parent))
            return (
                f"the service may not write there, {path} is none of its folders",
                f"Add it to the unit with sudo systemctl edit: [Service] ReadWritePaths={folder}",
            )
        return f"{mount.point} is mounted read-only", f"Run: sudo mount -o remount,rw,bind {place}"
    return (
        f"the file system at {mount.point} is read-only",
        f"Run: sudo mount -o remount,rw {place} (if that fails, check the disk: sudo dmesg | tail)",
    )


def _mount_of(path: Path) -> _Mount | None:
    """The mount on which a path is; ``None`` where the system does not tell."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    found, place = None, path.resolve()
    for line in lines:  # of two mounts at one place, the later one is seen
        front, _, back = line.partition(" - ")
        fields, of_system = front.split(" "), back.split(" ")
        if len(fields) < 6 or len(of_system) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        if place.is_relative_to(point) and (found is None or len(point) >= len(found.point)):
            flags = [set(options.split(",")) for options in (fields[5], of_system[2])]
            found = _Mount(point, "ro" in flags[0], "ro" in flags[1] or "emergency_ro" in flags[1])
    return found


def _is_immutable(path: Path) -> bool:
    """Whether ``chattr +i`` was used on a file or folder."""
    try:
        import fcntl

        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            return False
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            flags = fcntl.ioctl(handle, _GET_FLAGS, struct.pack("l", 0))
        finally:
            os.close(handle)
    except (ImportError, OSError):
        return False
    return bool(struct.unpack("l", flags)[0] & _IMMUTABLE)


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
