"""YuNet's weights: where they live, how they are recognised, how they get there.

They are not ours to ship, so a device fetches them once, by a pinned hash. Everything works without them: Haar is the
detector that is always there. Only the standard library is needed here.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from edge_agent.addresses.arguments import is_quotable
from edge_agent.addresses.masking import NOT_QUOTED
from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.errors import InputError, ModelError
from edge_agent.files import PUBLIC, make_folder, write_file
from edge_agent.rights import denied_read
from edge_agent.system.bounded_call import BoundedCall, NotInTime
from edge_agent.system.data_folders import data_folders, writable_data_folder

YUNET_FILE = "face_detection_yunet_2023mar.onnx"
"""YuNet of March 2023 (Wu, Peng & Yu 2023), as published in OpenCV Zoo under the MIT licence."""

YUNET_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"

YUNET_SOURCES = (
    f"https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/{YUNET_FILE}",
    f"https://huggingface.co/opencv/face_detection_yunet/resolve/main/{YUNET_FILE}",
)
"""Addresses tried in this order. Which one answers does not matter: only the pinned bytes are accepted."""

FETCH_LIMIT_S = 60.0
"""How long fetching may take in all, in seconds, however slowly the network answers."""

_MAX_BYTES = 4_000_000
_CHUNK_BYTES = 1 << 16


def find_weights() -> Path | None:
    """The weights file in the first data folder that has one, whatever its content; ``None`` where no folder has."""
    return next((path for folder in data_folders() if (path := folder / YUNET_FILE).is_file()), None)


def default_weights() -> Path:
    """Where :func:`fetch` puts the weights by default: the first data folder this user can write to."""
    return writable_data_folder() / YUNET_FILE


def weights_sources() -> tuple[str, ...]:
    """Addresses to fetch the weights from: first that of ``EDGE_AGENT_YUNET_URL``, where the environment names one."""
    own = os.environ.get("EDGE_AGENT_YUNET_URL")
    return (own, *YUNET_SOURCES) if own else YUNET_SOURCES


def is_pinned(content: bytes) -> bool:
    """Whether these are the very bytes this version was measured with."""
    return hashlib.sha256(content).hexdigest() == YUNET_SHA256


def read_weights(path: Path) -> bytes:
    """A weights file's bytes.

    Raises:
        ModelError: There is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            f"{path}: no such file",
            expected="YuNet's weights",
            remedy="Fetch them with 'edge-agent detector fetch', or choose the detector haar",
        ) from None
    except OSError as error:
        words, remedy = denied_read(path, error)
        raise ModelError(f"{path}: cannot be read: {words}", remedy=remedy) from None


def fetch(
    target: Path | None = None,
    sources: Sequence[str] | None = None,
    *,
    timeout_s: float = 20.0,
    limit_s: float = FETCH_LIMIT_S,
    report: Callable[[int], None] = lambda _: None,
) -> Path:
    """Download YuNet's weights, accept only the pinned bytes, and put them in place in one step.

    A file that is already right is left alone and nothing is downloaded. At every moment the target is absent, its old
    self or complete: an interrupted download leaves nothing behind.

    Args:
        target: The file to write; :func:`default_weights` where not given.
        sources: Addresses to try in turn: ``https://``, ``http://`` or ``file://``; :func:`weights_sources` where not
            given.
        timeout_s: How long a silent connection is waited for, in seconds.
        limit_s: How long all of it may take, in seconds; every address gets an equal part of what is left.
        report: Called with the number of bytes received so far.

    Returns:
        The file's path.

    Raises:
        ModelError: No source gave the file, or it cannot be written.
    """
    target = target or default_weights()
    if target.is_file() and is_pinned(read_weights(target)):
        return target
    failures = []
    sources = weights_sources() if sources is None else sources
    ends_at = time.monotonic() + limit_s
    for number, source in enumerate(sources):
        try:
            content = _download_within(
                (ends_at - time.monotonic()) / (len(sources) - number), source, timeout_s, report
            )
        except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError; ValueError: no address at all
            reason = scrubbed(str(getattr(error, "reason", None) or error) or type(error).__name__, source)
            failures.append(f"{_shown(source)}: {reason}")
            continue
        if not is_pinned(content):
            failures.append(f"{_shown(source)}: {len(content)} bytes with another sha256 than {YUNET_SHA256[:12]}...")
            continue
        _put_in_place(content, target)
        return target
    raise ModelError(
        "YuNet's weights could not be fetched",
        received="; ".join(failures) or "no address to try",
        expected=f"{YUNET_FILE} with sha256 {YUNET_SHA256}",
        remedy=f"Connect to the network and try again, or copy the file to {target} from another machine",
    )


def _shown(source: str) -> str:
    """An address for a message: one of a mirror of one's own may hold a password."""
    return source if is_quotable(source) else NOT_QUOTED


def _download_within(limit_s: float, source: str, timeout_s: float, report: Callable[[int], None]) -> bytes:
    """Download, for so long at most.

    Timeouts of connections do not bound the whole: a server may answer byte by byte, and looking up its name has no
    timeout at all.
    """
    try:
        return BoundedCall(lambda: _download(source, timeout_s, report), "fetch-weights").result(limit_s)
    except NotInTime:
        raise TimeoutError(f"not complete after {limit_s:.0f} s") from None


def _download(source: str, timeout_s: float, report: Callable[[int], None]) -> bytes:
    content = bytearray()
    try:
        with urllib.request.urlopen(source, timeout=timeout_s) as answer:
            while chunk := answer.read(_CHUNK_BYTES):
                content += chunk
                report(len(content))
                if len(content) > _MAX_BYTES:
                    raise ValueError(f"more than {_MAX_BYTES} bytes, which is not this file")
    except HTTPError as error:
        error.close()  # it is an open answer as well
        raise
    return bytes(content)


def _put_in_place(content: bytes, target: Path) -> None:
    try:
        make_folder(target.parent, 0o755)
        write_file(target, content, PUBLIC)  # the service runs as another user than the one who fetches
    except InputError as error:
        raise ModelError(
            error.subject, remedy="Run the command as a user who may, or set EDGE_AGENT_DATA to a folder of your own"
        ) from None
