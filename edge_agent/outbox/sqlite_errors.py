"""What SQLite says, in words for the person who has to mend it: the cause, the file, its owner and the command."""

from __future__ import annotations

import errno
import os
import pwd
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge_agent.outbox.store import StoreError
from edge_agent.rights import dangling_link

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_TABLES = {"rows", "sessions", "damaged_rows"}
"""Those of an outbox."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the file system into :class:`~edge_agent.outbox.store.StoreError`.

    Args:
        path: The outbox file.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error
    except UnicodeDecodeError as error:  # a name in the file
        raise _damaged(path) from error
    except OSError as error:
        raise _of_file_system(error, path) from error


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """An error of SQLite as what it means for this file."""
    said = str(error)
    if isinstance(error, sqlite3.IntegrityError):
        return StoreError(f"{path} holds events with the same numbers already")
    if "locked" in said or "locking protocol" in said:
        return StoreError(
            f"{path}: the outbox file is in use by another process",
            remedy=f"Stop the other agent, which `sudo fuser -v {path}` names, or set another $.outbox.path",
        )
    if "disk is full" in said:
        return _full(path)
    if "readonly" in said:
        if all(os.access(place, os.W_OK) for place in (path, path.parent)):
            return StoreError(f"{path}: its head is damaged", corrupt=True)
        return _denied(path, usable=True)
    if any(words in said for words in ("unable to open", "permission denied", "authorization denied")):
        return _not_opened(path)
    if "disk I/O error" in said:
        return of_wrong_kind(path) or _failing(path)
    if "out of memory" in said:
        return StoreError(f"{path}: there is no memory left to work with it", remedy="End other programs")
    if "not a database" in said:
        return StoreError(f"{path}: it is no outbox file, or its head is damaged", corrupt=True)
    return _damaged(path)


def _of_file_system(error: OSError, path: Path) -> StoreError:
    if error.errno in _FULL:
        return _full(path)
    if error.errno in _DENIED:
        return _denied(path)
    if error.errno == errno.EIO:
        return _failing(path)
    return _not_opened(path)


def _damaged(path: Path) -> StoreError:
    return StoreError(f"{path}: it is damaged, or was not written by this agent", corrupt=True)


def _full(path: Path) -> StoreError:
    remedy = f"Make room there; `df -h {_existing(path)}` shows how much there is"
    return StoreError(f"{path}: the disk is full", remedy=remedy, usable=True)


def _failing(path: Path) -> StoreError:
    return StoreError(
        f"{path}: the disk does not read or write it as it should: it fails, or is full",
        remedy=f"See what `sudo dmesg | tail` and `df -h {_existing(path)}` say. Replace a card that fails",
    )


def of_wrong_kind(path: Path) -> StoreError | None:
    """The error for what can be no outbox, whoever asks: a link that leads to nothing, a pipe, a device."""
    if (link := dangling_link(path)) is not None:
        return StoreError(
            f"{path}: {link} is a link to {link.readlink()}, which is not there",
            remedy=f"Make what it leads to, or remove it: `sudo rm {link}`",
        )
    if path.exists() and not path.is_file() and not path.is_dir():
        # Whoever named a device must not be told to move it away.
        device = path.is_char_device() or path.is_block_device()
        remedy = "Set another $.outbox.path" if device else f"Move it away: `sudo mv {path} {path}.old`"
        return StoreError(f"{path}: it is no file", remedy=remedy)
    return None


def is_of_another_program(database: sqlite3.Connection) -> bool:
    """Whether a database has tables, and none of an outbox."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return bool(tables) and not tables & _TABLES


def of_another_program(path: Path) -> StoreError:
    """The error for a database that holds nothing of an outbox. It stays as it is."""
    return StoreError(f"{path}: it is a database of another program", remedy="Set another $.outbox.path")


def _not_opened(path: Path) -> StoreError:
    if (wrong := of_wrong_kind(path)) is not None:
        return wrong
    folder = _existing(path.parent)
    if not folder.is_dir():
        reason = f"{path}: {folder} is a file, and a folder should be there"
        return StoreError(reason, remedy=f"Move it away: `sudo mv {folder} {folder}.old`, or set another $.outbox.path")
    if folder != path.parent and os.access(folder, os.W_OK):
        reason = f"{path}: there is no folder {path.parent}"
        return StoreError(reason, remedy=f"Make it: `sudo install -d -o {_me()} {path.parent}`")
    if path.is_dir():
        reason = f"{path}: it is a folder, and the outbox file should be there"
        remedy = f"Set $.outbox.path to a file, such as {path / 'outbox.db'}"
        return StoreError(reason, remedy=f"{remedy}; or, if it is empty, remove it: `sudo rmdir {path}`")
    return _denied(path)


def _denied(path: Path, *, usable: bool = False) -> StoreError:
    """The user may not write there, or nobody may."""
    place = next((p for p in _files(path) if not os.access(p, os.R_OK | os.W_OK)), _existing(path.parent))
    with suppress(OSError):
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return StoreError(
                f"{path}: it cannot be written, its file system is mounted read-only",
                remedy=f"Run `sudo mount -o remount,rw {_mount_point(place)}`. If that fails, check the disk",
                usable=usable,
            )
    return StoreError(
        f"{path}: the user {_me()} may not write there; {place} belongs to {_owner(place)}",
        remedy=f"Give it to the agent's user: `sudo chown {_me()} {place}` and `sudo chmod u+rw {place}`",
        usable=usable,
    )


def _files(path: Path) -> list[Path]:
    """The files that SQLite makes of an outbox, as far as they are there."""
    names = (path.name, f"{path.name}-wal", f"{path.name}-shm")
    return [file for file in map(path.with_name, names) if file.exists()]


def _existing(path: Path) -> Path:
    """The path, or the nearest of its folders that is there."""
    return next((place for place in (path, *path.parents) if place.exists()), Path("/"))


def _mount_point(path: Path) -> Path:
    return next((place for place in (path, *path.parents) if place.is_mount()), Path("/"))


def _owner(path: Path) -> str:
    try:
        return _name(path.stat().st_uid)
    except OSError:
        return "another user"


def _me() -> str:
    return _name(os.geteuid())


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
