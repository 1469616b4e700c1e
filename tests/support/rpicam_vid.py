"""A stand-in for ``rpicam-vid``: takes the command line documented for it and writes frames the way it does.

Knows no other options than those of the real program that this project uses, so that a misspelt one fails here, too.
The environment variable ``STAND_IN`` makes it misbehave: ``no-camera`` and ``busy`` end with the real program's words,
``deaf`` ignores SIGTERM, ``stops`` ends after three frames, ``stuck`` falls silent after three frames.
``STAND_IN_PID`` names a file to write the process id to, ``STAND_IN_FRAMES`` one of raw frames to show in turn,
``STAND_IN_SIGHT`` one that says what becomes of them: ``frozen`` repeats the last one, ``dark`` shows black ones.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the stand-in itself runs without the project's libraries, which start slowly
    import pytest

RED, NEAR_BLACK, NEAR_WHITE = (76, 85, 255), (16, 128, 128), (240, 128, 128)
"""The picture's three rows of blocks, in JPEG's full-range YUV."""


def picture(width: int, height: int, count: int) -> bytes:
    """Planar YUV 4:2:0: thirds of red, near black and near white, and a last row that differs from frame to frame."""

    def plane(channel: int, columns: int, rows: int) -> bytes:
        bands = [bytes([band[channel]]) * columns for band in (RED, NEAR_BLACK, NEAR_WHITE)]
        return b"".join(bands[min(2, 3 * y // rows)] for y in range(rows))

    luma = plane(0, width, height)[:-width] + bytes([count % 256]) * width
    return luma + plane(1, width // 2, height // 2) + plane(2, width // 2, height // 2)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the stand-in alone on the PATH, have it write its process id to ``folder / "pid"``, and return its path."""
    program = folder / "bin" / "rpicam-vid"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {Path(__file__).resolve()} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("STAND_IN_PID", str(folder / "pid"))
    return program


def main() -> int:
    """Write frames to standard output until killed."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--timeout", "--width", "--height", "--camera"):
        parser.add_argument(name, type=int, default=0)
    parser.add_argument("--framerate", type=float, required=True)
    parser.add_argument("--codec", choices=["yuv420"], required=True)
    parser.add_argument("--output", choices=["-"], required=True)
    parser.add_argument("--nopreview", action="store_true", required=True)
    parser.add_argument("--flush", action="store_true", required=True)
    options = parser.parse_args()
    if "STAND_IN_PID" in os.environ:
        Path(os.environ["STAND_IN_PID"]).write_text(str(os.getpid()))
    fault = os.environ.get("STAND_IN", "")
    sys.stderr.write("[0:00:01.0] [7]  INFO Camera camera_manager.cpp:326 libcamera v0.5.1\n")
    if fault == "no-camera" or options.camera > 0:
        sys.stderr.write("ERROR: *** no cameras available ***\n")
        return 255
    if fault == "busy":
        sys.stderr.write("ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***\n")
        return 255
    if fault == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    shown = Path(os.environ["STAND_IN_FRAMES"]).read_bytes() if "STAND_IN_FRAMES" in os.environ else b""
    size = options.width * options.height * 3 // 2
    frame = b""
    for count in range(sys.maxsize):
        if fault == "stuck" and count == 3:
            time.sleep(600)
        if fault == "stops" and count == 3:
            return 0
        sight = Path(os.environ["STAND_IN_SIGHT"]).read_text() if "STAND_IN_SIGHT" in os.environ else ""
        if sight != "frozen":
            place = count * size % (len(shown) or 1)
            frame = shown[place : place + size] or picture(options.width, options.height, count)
        if sight == "dark":
            frame = bytes(size * 2 // 3) + b"\x80" * (size // 3)
        sys.stdout.buffer.write(frame)
        sys.stdout.buffer.flush()
        time.sleep(1 / options.framerate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
