"""How many instructions a frame takes on an emulated Cortex-A72: ``python -m qa.arm.instructions``; docs/arm.md.

A count does not depend on how busy a machine is. A class is drawn here, and searched on the board by YuNet: when
needed, and every frame whole. Needs what ``make test-arm`` needs, a C compiler, and YuNet's weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Final

from edge_agent.command_line import run_app
from edge_agent.errors import CheckFailed, InputError
from edge_agent.simulate import SimulatedClassroom
from edge_agent.vision.detector import FETCH_COMMAND
from edge_agent.vision.weights import find_weights
from qa.arm import counted_frames
from qa.arm.emulator import CORTEX_A72, Board
from qa.arm.progress import announce, report
from qa.arm.wheels import SITES, SUITE, USERLAND, cache_folder, install_all
from qa.debian import Archive

PLUGIN: Final = Path(__file__).with_name("counter.c")
SIZE: Final = (1280, 720)
FPS: Final = 10.0
SEED: Final = 7
BEGINS_S: Final = 2.0
MAX_PEOPLE: Final = 40
WARM_UP_FRAMES: Final = 5
"""At first every frame is searched whole, by networks that are only being made."""


@dataclass(frozen=True, slots=True)
class CountedFrame:
    """What one frame took.

    Attributes:
        kind: How it was searched: ``whole``, ``regions`` or ``none``.
        taken: Instructions in all.
        searched: Width and height of the picture that the network was given; zeros for none.
        search_taken: Instructions of the search.
        faces: How many people were known afterwards.
    """

    kind: str
    taken: int
    searched: tuple[int, int]
    search_taken: int
    faces: int


def compile_plugin(target: Path) -> None:
    """Compile the plugin that counts.

    Raises:
        InputError: This machine has no C compiler, or it fails.
    """
    remedy = "Install Debian's packages gcc and libc6-dev"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise InputError("this machine has no C compiler (cc)", remedy=remedy)
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(target), str(PLUGIN)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise InputError(f"{PLUGIN.name} cannot be compiled: {' '.join(words[:1]).strip()}", remedy=remedy)


def parsed(lines: Sequence[str]) -> list[CountedFrame]:
    """What the program on the board wrote."""
    return [CountedFrame(**{**found, "searched": tuple(found["searched"])}) for found in map(json.loads, lines)]


def summary(needed: Sequence[CountedFrame], whole: Sequence[CountedFrame]) -> list[str]:
    """The lines to print.

    Args:
        needed: Frames that were searched when needed.
        whole: Frames that were all searched whole.
    """
    lines = ["millions of instructions:"]
    searches: dict[tuple[int, int], list[int]] = {}
    for frame in (*needed, *whole):
        if frame.searched != (0, 0):
            searches.setdefault(frame.searched, []).append(frame.search_taken)
    for (width, height), taken in sorted(searches.items()):
        lines.append(_row(f"a search of {width}x{height} pixels, median of {len(taken)}", median(taken)))
    for kind, what in (
        ("none", "a frame in which faces are followed only"),
        ("regions", "a frame searched by regions"),
    ):
        kept = [frame.taken for frame in needed if frame.kind == kind]
        if kept:
            lines.append(_row(f"{what}, median of {len(kept)}", median(kept)))
    before, now = fmean(frame.taken for frame in whole), fmean(frame.taken for frame in needed)
    lines.append(_row(f"a frame where every frame is searched whole, mean of {len(whole)}", before))
    counts = ", ".join(f"{sum(frame.kind == kind for frame in needed)} {kind}" for kind in ("whole", "regions", "none"))
    lines.append(_row(f"a frame searched when needed, mean of {len(needed)} ({counts})", now))
    searching = fmean(frame.search_taken for frame in whole), fmean(frame.search_taken for frame in needed)
    lines.append(_row("  of which searching, every frame whole", searching[0]))
    lines.append(_row("  of which searching, when needed", searching[1]))
    known = fmean(frame.faces for frame in whole), fmean(frame.faces for frame in needed)
    lines.append(f"{before / now:.1f} times as many where every frame is searched whole")
    lines.append(f"people known in a frame: {known[0]:.1f} where every frame is searched whole, else {known[1]:.1f}")
    return lines


def _row(what: str, instructions: float) -> str:
    return f"  {what:78} {instructions / 1e6:7.1f}"


def count(board: Board, arguments: Sequence[str], people: int, frames: int) -> list[CountedFrame]:
    """Draw a class for the board and read what each frame took, without the first ones.

    Args:
        board: Its emulator counts.
        arguments: What its program is called with.
        people: Of the class.
        frames: How many to keep.

    Raises:
        CheckFailed: Its program fails.
    """
    scene = SimulatedClassroom(people, *SIZE, SEED)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile("w+") as counts:
        command = board.python("-P", str(counted_frames.__file__), *arguments)
        running = subprocess.Popen(
            command, env=board.environment(), stdin=subprocess.PIPE, stdout=counts, stderr=errors
        )
        assert running.stdin is not None
        try:
            for number in range(frames + WARM_UP_FRAMES):
                running.stdin.write(scene.render(BEGINS_S + number / FPS).tobytes())
            running.stdin.close()
        except BrokenPipeError:
            pass  # its exit code and its messages say more
        code = running.wait()
        counts.seek(0)
        errors.seek(0)
        lines = counts.read().splitlines()
        if code != 0 or len(lines) != frames + WARM_UP_FRAMES:
            said = errors.read().decode(errors="replace").strip()[-500:]
            raise CheckFailed(f"counting on {board.processor.name} ended with code {code}: {said or 'no message'}")
    return parsed(lines)[WARM_UP_FRAMES:]


def main() -> None:
    """Build the board, count, and print."""
    parser = argparse.ArgumentParser(
        prog="python -m qa.arm.instructions", description="Count the instructions of a frame on an emulated Cortex-A72."
    )
    parser.add_argument("--weights", type=Path, help="YuNet's ONNX file, if it was not fetched to its own place")
    parser.add_argument("--people", type=int, default=24, help="in the drawn class, 0 to 40 (24)")
    parser.add_argument("--frames", type=int, default=100, help="to search when needed (100)")
    parser.add_argument("--whole-frames", type=int, default=5, help="to search whole (5)")
    chosen = parser.parse_args()
    if not 0 <= chosen.people <= MAX_PEOPLE:
        parser.error(f"--people: 0 to {MAX_PEOPLE}")
    if min(chosen.frames, chosen.whole_frames) < 1:
        parser.error("--frames, --whole-frames: at least 1")
    run_app(lambda: measure(chosen.weights, chosen.people, chosen.frames, chosen.whole_frames))


def measure(weights: Path | None, people: int, frames: int, whole_frames: int) -> None:
    """Do every step and print the result.

    Raises:
        InputError: Something is missing on this machine, or cannot be fetched.
        CheckFailed: The board's program fails.
    """
    weights = weights or find_weights()
    if weights is None or not weights.is_file():
        raise InputError(
            f"{weights}: no such file" if weights else "YuNet's weights are missing",
            remedy=f"Get them with '{FETCH_COMMAND}', or name the file with --weights",
        )
    cache = cache_folder()
    with tempfile.TemporaryDirectory(prefix="instructions-") as folder:
        scratch = Path(folder)
        compile_plugin(scratch / "counter.so")
        announce("Debian's packages for arm64, and an emulator that loads plugins")
        archive = Archive(cache / "apt", SUITE, "arm64")
        archive.unpack(cache / "userland", USERLAND)
        emulator = archive.unpack_emulator_for_plugins(cache / "qemu-user")
        counter = scratch / "count"
        counter.write_bytes(bytes(8))
        counting = [*emulator, "-plugin", f"{scratch / 'counter.so'},counter={counter}"]
        sites = [cache / site for site in SITES]
        announce("Wheels by deploy/make-wheelhouse.sh, and that machine's own pip (some minutes the first time)")
        install_all(Board(CORTEX_A72, emulator, cache / "userland", sites, scratch / "installing"), cache)
        board = Board(CORTEX_A72, counting, cache / "userland", sites, scratch / "board")
        arguments = [str(counter), str(weights.resolve()), *map(str, SIZE), str(FPS)]
        announce(f"{people} people, every frame searched whole ({whole_frames} frames)")
        whole = count(board, [*arguments, "--every-frame"], people, whole_frames)
        announce(f"{people} people, searched when needed ({frames} frames)")
        for line in summary(count(board, arguments, people, frames), whole):
            report(line)


if __name__ == "__main__":
    main()
