"""What training and device must agree on: labels, the face crop, the model bundle.

Imports nothing of the project but ``errors`` and ``files``, so that training, export and device can all stand on it.
Only the face crop needs OpenCV, and only the crop and the comparison of golden answers need NumPy.
"""
