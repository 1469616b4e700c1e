"""The agent that runs on a classroom device: camera frames in, emotion events over MQTT out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("classroom-edge-agent")
except PackageNotFoundError:  # running from a checkout that was never installed
    __version__ = "0+unknown"
