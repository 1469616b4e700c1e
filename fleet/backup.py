"""Backup and restoration of a fleet's folder, as one archive. It is restored whole or not at all."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Final

from edge_agent.errors import InputError
from edge_agent.files import SECRET, make_folder, read_file, write_file
from fleet.model_key import model_key
from fleet.school import Fleet

_KIND: Final = "an archive from `edge-agent fleet backup`, as it was written"
_MAX_BYTES: Final = 1 << 30


def pack(folder: Path) -> bytes:
    """An archive of the whole folder: keys, register, the school's own rules, published models.

    **Whoever has it can make devices.**

    Raises:
        InputError: There is no fleet, or it is broken and could not be restored.
    """
    Fleet.open(folder)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):  # locks, and files that are being written
                entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
                content = read_file(path, "a file of the fleet")
                entry.size, entry.mode, entry.mtime = len(content), SECRET, int(path.stat().st_mtime)
                tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def unpack(content: bytes, source: str, folder: Path, *, check_only: bool = False) -> Fleet:
    """Put a fleet's folder in place.

    Args:
        content: An archive from :func:`pack`.
        source: Where it comes from, for error messages.
        folder: Where to put it. It must not exist, or be empty.
        check_only: Only try it, and leave nothing behind.

    Raises:
        InputError: It is no archive of a fleet, cut short or damaged; the folder is not empty; or it cannot be written.
    """
    files = _files(content, source)
    if not check_only:
        _check_free(folder)
        make_folder(folder.parent, 0o755)
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=None if check_only else folder.parent))
    except OSError as error:
        raise InputError(
            f"{folder.parent}: cannot be written: {error.strerror}", remedy="Run the command with sudo"
        ) from None
    try:
        for name, held in files.items():
            make_folder((part / name).parent, 0o700)
            write_file(part / name, held, SECRET)
        fleet = _opened(part, source)
        if not check_only:
            part.replace(folder)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return fleet


def _check_free(folder: Path) -> None:
    try:
        taken = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}", remedy="Run the command with sudo") from None
    if taken:
        raise InputError(
            f"{folder}: something is here already",
            expected="no such folder, or an empty one",
            remedy=f"Move it away first, and keep it: mv {folder} {folder}.old",
        )


def _files(content: bytes, source: str) -> dict[str, bytes]:
    try:
        plain = _decompressed(content, source)
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as tar:
            members = tar.getmembers()
            if not all(map(_is_ours, members)) or sum(member.size for member in members) > len(plain):
                raise InputError(f"{source}: other files than a fleet's", expected=_KIND)
            found = {member.name: tar.extractfile(member) for member in members}
            return {name: file.read() for name, file in found.items() if file is not None}
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(
            f"{source}: {str(error) or type(error).__name__}",
            received=f"{len(content):,} bytes",
            expected=_KIND,
            remedy="Take another copy of the backup",
        ) from None


def _decompressed(content: bytes, source: str) -> bytes:
    """All of the archive, so that the checksum at its end is checked; a small one may hold more than the memory."""
    with gzip.open(io.BytesIO(content)) as packed:
        plain = packed.read(_MAX_BYTES + 1)
    if len(plain) > _MAX_BYTES:
        raise InputError(source, received=f"an archive of more than {_MAX_BYTES >> 30} GB", expected=_KIND)
    return plain


def _is_ours(member: tarfile.TarInfo) -> bool:
    name = PurePosixPath(member.name)
    return member.isfile() and not name.is_absolute() and ".." not in name.parts and member.size < _MAX_BYTES


def _opened(part: Path, source: str) -> Fleet:
    """The fleet in an unpacked folder, checked to have everything that its commands need."""
    try:
        fleet = Fleet.open(part)
        model_key(part)
        for name in ("reader.crt", "reader.key"):
            read_file(part / name, "the fleet commands' own certificate and key")
    except InputError as error:
        raise InputError(str(error).replace(str(part), source).rstrip(".")) from None
    return fleet
