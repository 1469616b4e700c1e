"""Importing Keras and its backend without their words about absent GPUs."""

from __future__ import annotations

from edge_agent.vision.native_stderr import without_startup_messages


def import_backend() -> None:
    """Import Keras and its backend once, before a command's modules do.

    TensorFlow writes lines from C++ while it is imported, before it heeds its own setting for the log.
    """
    with without_startup_messages():
        import keras

        if keras.backend.backend() == "tensorflow":
            import tensorflow  # noqa: F401
