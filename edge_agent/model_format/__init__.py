"""What training and device must agree on: labels, the face crop, the model bundle.

Imports nothing of the project but ``errors``, so that training, export and device can all stand on it.
"""
