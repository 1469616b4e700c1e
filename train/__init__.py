"""Training: data, models, recipes and evaluation. Never imported by the device."""

import os
from pathlib import Path

_GPU_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/nvhost-gpu", "/dev/dxg", "/dev/kfd")
"""Of NVIDIA, its Jetson boards, Windows' subsystem for Linux, and AMD."""

# Read by TensorFlow when it is first imported, so they have to be set before any module of this package imports Keras.
# TensorFlow leaves oneDNN off on processors without neural-network instructions, although it halves the time of a
# step there too. Its start-up messages are of no use to a user; where there is no GPU, neither are its errors about
# one. What really fails is raised as an exception as well.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if any(Path(device).exists() for device in _GPU_DEVICES) else "3")
