"""Pictures of others from a folder, one by one: what cannot be used is named and left out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.types import Image
from edge_agent.vision.image_file import read_image_file

log = logging.getLogger(__name__)


def readable_pictures(paths: Iterable[Path]) -> list[Image]:
    """The pictures that can be read; the others are named in the log, also those that are too large to decode."""
    return [image for image in map(_read, paths) if image is not None]


def _read(path: Path) -> Image | None:
    try:
        return read_image_file(path)
    except InputError as error:
        log.warning("%s; left out", error)
        return None
