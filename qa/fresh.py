"""Whether a folder is up to date with what it was made from."""

from __future__ import annotations

import hashlib
from pathlib import Path

_MARK = ".made-from"


def fingerprint(*parts: str) -> str:
    """One short text that differs where any of the parts does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def files_fingerprint(root: Path, *paths: str) -> str:
    """The same of files and folders under ``root``: names and contents, but nothing that Python leaves beside them."""
    files = [file for path in paths for file in sorted([root / path, *(root / path).rglob("*")]) if file.is_file()]
    kept = [file for file in files if "__pycache__" not in file.parts]
    return fingerprint(*(f"{file.relative_to(root)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in kept))


def is_fresh(folder: Path, key: str) -> bool:
    """Whether the folder is complete and was made from exactly this."""
    mark = folder / _MARK
    return mark.is_file() and mark.read_text(encoding="utf-8") == key


def mark_fresh(folder: Path, key: str) -> None:
    """Note that the folder is complete, and what it was made from."""
    (folder / _MARK).write_text(key, encoding="utf-8")
