"""The agent on 64-bit ARM, built from nothing: ``make test-arm`` or ``python -m qa.arm``; docs/arm.md describes it.

ARM_CACHE names the folder for downloads and for what is built from them. DEBIAN_MIRROR names another Debian mirror.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.command_line import run_app
from edge_agent.errors import CheckFailed
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate.portrait import draw_face
from edge_agent.vision.classifier import BUNDLED_MODEL
from fleet.loadtest.local_broker import local_broker
from qa.arm import outputs
from qa.arm.classroom import watch_simulated_classroom
from qa.arm.difference import Difference, compare
from qa.arm.emulator import CORTEX_A72, PROCESSORS, Board, Processor
from qa.arm.golden import golden_steps, with_wrong_answer
from qa.arm.progress import announce, report
from qa.arm.wheels import CHECKOUT, SITES, SUITE, USERLAND, cache_folder, install_all
from qa.debian import Archive

BUNDLE: Final = BUNDLED_MODEL.relative_to(CHECKOUT)
PEOPLE: Final = 8
INTENSITIES: Final = (0.4, 0.7, 1.0)
MAX_STEPS: Final = 1
"""How far one rounding may move an int8 output."""


def drawn_faces() -> NDArray[np.uint8]:
    """Every expression at several intensities on several people, ``uint8 (N, 48, 48)``, always the same."""
    portraits = [
        draw_face(expression, intensity, seed, 192)
        for expression in FER2013
        for intensity in INTENSITIES
        for seed in range(PEOPLE)
    ]
    return np.stack([crop_face(p.image, p.box.left, p.box.top, p.box.side) for p in portraits])


def main() -> None:
    """Build the user-land, install the agent into it, and run it on each processor."""
    with tempfile.TemporaryDirectory(prefix="test-arm-") as scratch:
        run_everywhere(cache_folder(), Path(scratch))


def run_everywhere(cache: Path, scratch: Path) -> None:
    """Do every step, from the packages to the simulated classroom; print what it finds.

    Raises:
        InputError: Something cannot be fetched.
        CheckFailed: The agent behaves differently on ARM.
    """
    announce("Debian's packages for arm64, and the emulator")
    archive = Archive(cache / "apt", SUITE, "arm64")
    archive.unpack(cache / "userland", USERLAND)
    emulator = archive.unpack_emulator(cache / "qemu")

    def board(processor: Processor) -> Board:
        sites = [cache / site for site in SITES]
        return Board(processor, [str(emulator)], cache / "userland", sites, scratch / processor.name)

    announce("Wheels by deploy/make-wheelhouse.sh, and that machine's own pip (some minutes the first time)")
    install_all(board(CORTEX_A72), cache)

    faces = scratch / "faces.npy"
    np.save(faces, drawn_faces())
    outputs.main(str(faces), str(scratch / "here.npz"))
    here = np.load(scratch / "here.npz")
    for processor in PROCESSORS:
        announce(f"{processor.name} ({processor.boards})")
        one = board(processor)
        run(one, "-P", str(outputs.__file__), str(faces), str(scratch / f"{processor.name}.npz"))
        there = np.load(scratch / f"{processor.name}.npz")
        check_outputs(processor, here, there)
        check_golden_faces(one, cache / "agent" / BUNDLE, scratch)
        run(one, "-m", "edge_agent.cli", "doctor", "--preflight", show=True)
        folder = scratch / f"{processor.name}-agent"
        folder.mkdir()
        with local_broker(folder) as broker:
            received = watch_simulated_classroom(one, broker.port, folder)
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(received.kinds.items()))
        report(f"simulated classroom, through a broker here: {counts}")
        report(f"  expressions published: {', '.join(sorted(received.expressions))}")
    announce("The agent runs on 64-bit ARM.")


def check_outputs(
    processor: Processor, here: dict[str, NDArray[np.float32]], there: dict[str, NDArray[np.float32]]
) -> None:
    """Print how far two machines differ.

    Raises:
        CheckFailed: They differ by more than rounding.
    """
    found: Difference = compare(here["logits"], there["logits"], here["probabilities"], there["probabilities"])
    pixels = int(np.abs(here["classroom"].astype(int) - there["classroom"].astype(int)).max())
    report(f"{there['runtime']} against {here['runtime']} here, on {found.faces} drawn faces:")
    report(f"  int8 outputs: {found.equal:.2%} equal, largest difference {found.steps} of 256 steps")
    report(f"  probabilities: largest difference {found.probability:.4f} ({found.probability * 256:.1f}/256)")
    report(f"  most probable label: differs for {found.labels_differ} faces, {found.decided_differ} of them not a tie")
    report(f"  drawn images: largest difference {pixels} of 256 gray levels")
    if found.steps > MAX_STEPS or found.decided_differ:
        raise CheckFailed(
            f"{processor.name}: outputs",
            received=f"{found.steps} steps, {found.decided_differ} labels",
            expected=f"at most {MAX_STEPS} steps and no other label",
        )


def check_golden_faces(board: Board, bundle: Path, scratch: Path) -> None:
    """Check that sandboxed validation accepts the installed bundle, and refuses it with one wrong recorded answer.

    Raises:
        CheckFailed: It does not.
    """
    steps = golden_steps(board, bundle)
    report(f"golden faces of {read_bundle(bundle).model_id}: {steps:g} steps from the answers recorded with them")
    try:
        golden_steps(board, with_wrong_answer(bundle, scratch / "wrong.tflite"))
    except CheckFailed as error:
        if not str(error).startswith("golden face 1 "):
            raise
        report(f"  the same bundle with a wrong answer is refused: {error}")
    else:
        raise CheckFailed(
            f"{board.processor.name}: a bundle with a wrong recorded answer", received="accepted", expected="refused"
        )


def run(board: Board, *arguments: str, show: bool = False) -> None:
    """Run the board's Python and wait for its end.

    Raises:
        CheckFailed: It fails.
    """
    done = subprocess.run(
        board.python(*arguments), env=board.environment(), capture_output=True, text=True, check=False
    )
    if show:
        for line in done.stdout.splitlines():
            report(line)
    if done.returncode != 0:
        raise CheckFailed(
            f"{' '.join(arguments[:3])} on {board.processor.name} ended with code {done.returncode}:\n"
            f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


if __name__ == "__main__":
    run_app(main)
