"""Lines of a text file that may be packed: plain, xz, gzip, bzip2, or a zip or tar with one table in it."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Literal, cast

from edge_agent.errors import InputError

_MAGIC = {b"\xfd7zXZ\x00": "xz", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
_TAR_MODES: dict[str, Literal["r:xz", "r:gz", "r:bz2", "r:"]] = {
    "xz": "r:xz",
    "gzip": "r:gz",
    "bzip2": "r:bz2",
    "plain": "r:",
}
_MAX_LINE_BYTES = 4_000_000
"""A small packed file can hold a line that fills the memory; that of a face has about 10,000 bytes."""
MAX_UNPACKED_BYTES = 4_000_000_000
"""More is not read of a packed table: FER2013 has 0.3 GB. A few megabytes of xz can unpack to all of a disk."""
_MAX_MEMBERS = 100_000
_DAMAGE = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, tarfile.TarError)


def read_lines(path: Path, preferred: tuple[str, ...] = ()) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked, without their line ends. The content decides on the packing, not the suffix.

    Args:
        path: The file.
        preferred: Names of tables to take first from an archive that holds several.

    Raises:
        InputError: The file is missing, empty or damaged, or an archive holds no table or no obvious one.
    """
    done = read = 0
    kind = "plain"
    try:
        kind = _kind(path)
        with _unpacked(path, kind, preferred) as stream:
            while line := stream.readline(_MAX_LINE_BYTES + 1):
                if len(line) > _MAX_LINE_BYTES:
                    raise InputError(
                        str(path),
                        received=f"a line {done + 1} of more than {_MAX_LINE_BYTES // 1_000_000} MB",
                        expected="a table with a face in each line",
                        remedy="Check that it is the right file",
                    )
                read += len(line)
                if kind != "plain" and read > MAX_UNPACKED_BYTES:
                    raise InputError(
                        str(path),
                        received=f"a {kind} file that unpacks to more than {MAX_UNPACKED_BYTES / 1e9:g} GB",
                        expected="a table of faces",
                        remedy="If it is the right file, unpack it by hand first",
                    )
                yield line.rstrip(b"\r\n")
                done += 1
    except _DAMAGE as fault:
        raise InputError(
            str(path),
            received=f"a {kind} file that is cut off or damaged after line {done} ({fault})",
            expected="a whole one",
            remedy="Fetch it again and compare its size with the source's",
        ) from fault
    except OSError as fault:
        raise InputError(
            str(path), received=fault.strerror or fault, expected="a file that can be read", remedy="Check the path"
        ) from fault


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(6)
    if not start:
        raise InputError(str(path), received="an empty file", expected="a table", remedy="Fetch it again")
    kind = next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "plain")
    # Not is_tarfile: it also reads packed bytes as a tar, and those of some gzip files happen to pass.
    with contextlib.suppress(*_DAMAGE):  # reported where the lines are read
        if kind in _TAR_MODES:
            tarfile.open(path, _TAR_MODES[kind]).close()
            return "tar"
    return kind


@contextmanager
def _unpacked(path: Path, kind: str, preferred: tuple[str, ...]) -> Iterator[IO[bytes]]:
    if kind == "xz":
        with lzma.open(path) as packed:
            yield packed
    elif kind == "gzip":
        with gzip.open(path) as unzipped:
            yield cast(IO[bytes], unzipped)
    elif kind == "bzip2":
        with bz2.open(path) as unpacked:
            yield cast(IO[bytes], unpacked)
    elif kind == "zip":
        with _open_archive(path) as archive, _open_member(path, archive, preferred) as member:
            yield member
    elif kind == "tar":
        with tarfile.open(path) as archived:
            members = list(islice(archived, _MAX_MEMBERS + 1))
            if len(members) > _MAX_MEMBERS or sum(member.size for member in members) > MAX_UNPACKED_BYTES:
                raise InputError(
                    str(path),
                    received=f"a tar of more than {_MAX_MEMBERS:,} files or {MAX_UNPACKED_BYTES / 1e9:g} GB",
                    expected="a tar with one .csv",
                    remedy="Unpack it and name the table you mean",
                )
            files = {member.name: member for member in members if member.isfile()}
            table = archived.extractfile(files[_wanted(path, kind, list(files), preferred)])
            assert table is not None, "it is a file"
            yield table
    else:
        with path.open("rb") as plain:
            yield plain


def _open_archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (NotImplementedError, ValueError) as fault:  # a version that Python does not know, a name that is no text
        raise InputError(str(path), received=str(fault), remedy="Unpack it by hand") from fault


def _open_member(path: Path, archive: zipfile.ZipFile, preferred: tuple[str, ...]) -> IO[bytes]:
    wanted = _wanted(path, "zip", archive.namelist(), preferred)
    try:
        return archive.open(wanted)
    except (RuntimeError, NotImplementedError, ValueError) as fault:  # a password, an unknown method, a broken name
        raise InputError(f"{path}: {wanted}", received=str(fault), remedy="Unpack it by hand") from fault


def _wanted(path: Path, kind: str, files: list[str], preferred: tuple[str, ...]) -> str:
    """Which of an archive's files is the table."""
    tables = [name for name in files if name.lower().endswith(".csv") and not PurePosixPath(name).name.startswith("._")]
    wanted = [name for known in preferred for name in tables if PurePosixPath(name).name == known] or tables
    if not wanted:
        raise InputError(
            str(path),
            received=f"a {kind} of {len(files)} files, none of them .csv",
            expected=f"a {kind} with one .csv",
            remedy="Unpack it and name what it holds",
        )
    if len(tables) > 1 and wanted == tables:
        raise InputError(
            str(path),
            received=f"a {kind} with {', '.join(sorted(tables)[:4])}",
            expected=f"a {kind} with one .csv",
            remedy="Unpack it and name the table you mean",
        )
    return wanted[0]
