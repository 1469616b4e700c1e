"""Lines of a text file that may be packed: plain, xz, gzip, or a zip with one table in it."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from edge_agent.errors import InputError

_MAGIC = {b"\xfd7zXZ\x00": "xz", b"\x1f\x8b": "gzip", b"PK\x03\x04": "zip", b"PK\x05\x06": "zip"}
_DAMAGE = (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)


def read_lines(path: Path, preferred: tuple[str, ...] = ()) -> Iterator[bytes]:
    """Yield the lines of a file, unpacked, without their line ends. The packing is told by content, not by suffix.

    Args:
        path: The file.
        preferred: Names of tables to take first from a zip that holds several.

    Raises:
        InputError: The file is missing, empty or damaged, or a zip holds no table or no obvious one.
    """
    done = 0
    kind = "plain"
    try:
        kind = _kind(path)
        with _unpacked(path, kind, preferred) as stream:
            for line in stream:
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
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), "plain")


@contextmanager
def _unpacked(path: Path, kind: str, preferred: tuple[str, ...]) -> Iterator[IO[bytes]]:
    if kind == "xz":
        with lzma.open(path) as packed:
            yield packed
    elif kind == "gzip":
        with gzip.open(path) as unzipped:
            yield cast(IO[bytes], unzipped)
    elif kind == "zip":
        with zipfile.ZipFile(path) as archive, _open_member(path, archive, preferred) as member:
            yield member
    else:
        with path.open("rb") as plain:
            yield plain


def _open_member(path: Path, archive: zipfile.ZipFile, preferred: tuple[str, ...]) -> IO[bytes]:
    tables = [name for name in archive.namelist() if name.lower().endswith(".csv") and not name.startswith("__MACOSX/")]
    wanted = [name for kind in preferred for name in tables if PurePosixPath(name).name == kind] or tables
    if not wanted:
        raise InputError(
            str(path),
            received=f"a zip of {len(archive.namelist())} files, none of them .csv",
            expected="a zip with one .csv",
            remedy="Unpack it and name what it holds",
        )
    if len(tables) > 1 and wanted == tables:
        raise InputError(
            str(path),
            received=f"a zip with {', '.join(sorted(tables)[:4])}",
            expected="a zip with one .csv",
            remedy="Unpack it and name the table you mean",
        )
    try:
        return archive.open(wanted[0])
    except (RuntimeError, NotImplementedError) as fault:  # a password, a packing method that Python does not know
        raise InputError(f"{path}: {wanted[0]}", received=str(fault), remedy="Unpack it by hand") from fault
