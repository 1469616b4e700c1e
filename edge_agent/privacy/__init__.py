"""What the operator declares, what is withheld, when the camera is closed, and the log of who requested what."""
