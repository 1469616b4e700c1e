"""The simulated classroom: drawn people with known expressions, for trying and testing without a camera.

Everything is drawn with OpenCV and NumPy from a seed; no picture is stored. The faces are caricatures built from facial
action units: they show that the way from frame to event works, and say nothing about accuracy on people.
"""

from edge_agent.simulate.classroom import SimulatedClassroom, SimulatedFace
from edge_agent.simulate.portrait import Portrait, draw_face

__all__ = ["Portrait", "SimulatedClassroom", "SimulatedFace", "draw_face"]
