"""Files that are written whole or not at all, with permissions that hold from the first moment on."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge_agent.addresses.masking import is_address_by_mistake, shown_secret_path
from edge_agent.errors import ConfigError, InputError
from edge_agent.rights import denied_read, nearest, unwritable

SECRET = 0o600
"""For private keys: their owner alone."""
SHARED = 0o640
"""For what a service of another group has to read."""
PUBLIC = 0o644
"""For certificates."""

_MAX_PASSWORD_BYTES = 4096
_WRITABLE = "a file that can be written"


def write_file(path: Path, content: bytes, mode: int, *, owner: tuple[int, int] | None = None) -> None:
    """Replace a file in one step.

    Args:
        path: Where to; its folder must exist.
        content: All of it.
        mode: Permissions, from the first moment on.
        owner: User and group ids, for writers who may give files away.

    Raises:
        InputError: The file cannot be written, or its path is an address.
    """
    refuse_address(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}", remedy=_ask_for_rights(error)) from None


def replace_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file, which is there whole or as it was, whatever happens meanwhile. Its folder is made.

    Raises:
        OSError: The system refuses; nothing of the try is left.
    """
    staging = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with staging.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        staging.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            staging.unlink()
        raise


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk, so that a renamed file keeps its new name through a power cut.

    Raises:
        OSError: The folder cannot be opened.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_file(path: Path, what: str, *, max_bytes: int | None = None) -> bytes:
    """A file's bytes.

    Args:
        path: Which file.
        what: What it should be, for the error message.
        max_bytes: More than these are not read, of a file that comes from others.

    Raises:
        InputError: There is no such file, it cannot be read, or it is larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(-1 if max_bytes is None else max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", expected=what) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", remedy=_ask_for_rights(error)) from None
    if max_bytes is not None and len(content) > max_bytes:
        raise InputError(f"{path}: too large for {what}", expected=f"at most {max_bytes:,} bytes")
    return content


def read_password(path: str, key: str) -> str:
    """The password in the first line of a file.

    Args:
        path: Which file. Where it seems to be the password itself, written there by mistake, no message quotes it.
        key: The key of the settings that names it, for the message.

    Raises:
        ConfigError: The file cannot be read, or its first line is empty or too long.
    """
    subject = f"{key} {shown_secret_path(path)}"
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_PASSWORD_BYTES + 1)
        if len(content) > _MAX_PASSWORD_BYTES and b"\n" not in content:
            raise ConfigError(
                subject, received="a longer first line", expected=f"at most {_MAX_PASSWORD_BYTES:,} bytes"
            )
        # Some editors begin a file with a mark, which is no part of the password.
        lines = content[:_MAX_PASSWORD_BYTES].decode("utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        words, remedy = "not UTF-8 text, or no path", ""
        if isinstance(error, OSError):
            words, remedy = denied_read(Path(shown_secret_path(path)), error, secret=True)
        raise ConfigError(
            f"{subject}: cannot be read: {words}",
            remedy=remedy or "The key names a file that holds the password alone in its first line",
        ) from None
    if not lines or not lines[0].strip():
        raise ConfigError(subject, received="an empty first line", expected="the password")
    return lines[0]


def path_exists(path: Path) -> bool:
    """Whether there is such a file or folder.

    Raises:
        InputError: One may not look.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}", remedy=_ask_for_rights(error)) from None
    return True


def make_folder(path: Path, mode: int) -> None:
    """Create a folder, and those above it, unless it is there.

    Args:
        path: Which.
        mode: Its permissions, whatever the caller's umask.

    Raises:
        InputError: It cannot be created, or its path is an address.
    """
    refuse_address(path)
    try:
        if not path.is_dir():
            path.mkdir(parents=True, mode=mode)
            path.chmod(mode)
    except OSError as error:
        raise InputError(f"{path}: cannot be created: {error.strerror}", remedy=_ask_for_rights(error)) from None


def check_place_for(path: Path, *, makes_folders: bool = False) -> None:
    """Find out whether a file can be written, before something is done that it is to tell of. Nothing is made.

    Args:
        path: Which file.
        makes_folders: Whether folders that are missing will be made for it.

    Raises:
        InputError: Its folder is not there or cannot be written, the path is a folder, or it is an address.
    """
    refuse_address(path)
    if path_exists(path) and path.is_dir():
        raise InputError(str(path), received="a folder", expected=_WRITABLE, remedy="Name a file")
    folder = nearest(path.parent) if makes_folders else path.parent
    if not folder.is_dir():
        if makes_folders:
            raise InputError(
                str(path),
                received=f"a place in {folder}, which is no folder",
                expected=_WRITABLE,
                remedy="Name another place",
            )
        raise InputError(f"{folder}: no such folder", remedy="Make it, or name another one")
    if (denied := unwritable((), folder)) is not None:
        raise InputError(f"{folder}: cannot be written: {denied[0]}", remedy=denied[1] or "Name another place")


@contextlib.contextmanager
def folder_lock(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Keep two commands from changing the same folder at once: the second waits, or is refused.

    Raises:
        InputError: The folder cannot be written, or another command is at work in it and ``wait`` is false.
    """
    import fcntl  # here, because Windows has none, and who only trains there needs the rest of this module

    try:
        lock = (folder / ".lock").open("ab")
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}", remedy=_ask_for_rights(error)) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                str(folder),
                received="a folder that another command is at work in",
                expected="one that no other command uses",
                remedy="Wait for it, or name another folder",
            ) from None
        yield


def refuse_address(path: Path) -> None:
    """Make no file whose name would be an address, with a password perhaps, and would be shown.

    Raises:
        InputError: The path is an address, by mistake.
    """
    if is_address_by_mistake(path) and not path.exists():
        raise InputError("a place to write to", received="an address", expected="a file or folder")


def _ask_for_rights(error: OSError) -> str:
    return "Run the command with sudo" if isinstance(error, PermissionError) else ""
