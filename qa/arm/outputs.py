"""What a machine's runtime gives for faces, and what its OpenCV draws. Runs on both machines that are compared.

python outputs.py FACES.npy OUTPUTS.npz
"""

from __future__ import annotations

import sys

import numpy as np

from edge_agent.simulate.classroom import SimulatedClassroom
from edge_agent.vision.classifier import Classifier


def main(faces_file: str, outputs_file: str) -> None:
    """Read faces, ``uint8 (N, 48, 48)``; write logits and probabilities, ``float32 (N, K)``, and a drawn classroom."""
    faces = np.load(faces_file)
    classifier = Classifier.load(prior="training")
    np.savez(
        outputs_file,
        logits=classifier.logits(faces),
        probabilities=classifier.predict(faces),
        classroom=SimulatedClassroom(faces=6, width_px=640, height_px=360, seed=7).render(2.0),
        runtime=np.array(classifier.runtime_name),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
