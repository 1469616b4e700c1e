"""Training: data, models, recipes and evaluation. Never imported by the device."""

import os

# Read by TensorFlow when it is first imported, so they have to be set before any module of this package imports Keras.
# TensorFlow leaves oneDNN off on processors without neural-network instructions, although it halves the time of a
# step there too. TensorFlow's start-up messages about absent GPUs are of no use to a user.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
