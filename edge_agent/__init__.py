"""The agent that runs on a classroom device: camera frames in, emotion events over MQTT out."""

__version__ = "0.3.0"
"""The project's version. It stands here alone: the package's metadata, the installer and every message read it."""
