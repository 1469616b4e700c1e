"""The machine of a training or measurement, in words."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def describe_machine(accelerators: Sequence[str] = ()) -> str:
    """Processor, the number of its cores that this process may use, and accelerators: ``AMD EPYC 7763, 2 cores``."""
    cores = len(usable_cores())
    counted = [f"{count} x {name}" if count > 1 else name for name, count in Counter(accelerators).items()]
    return ", ".join([_processor(), f"{cores} core{'s' if cores > 1 else ''}", *counted])


def usable_cores() -> list[int]:
    """Numbers of the processor cores that this process may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def accelerators() -> list[str]:
    """Names of the devices that Keras' backend trains on besides the processor, as their makers call them."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        return [tf.config.experimental.get_device_details(device).get("device_name", "GPU") for device in found]
    if keras.backend.backend() == "jax":
        import jax

        return [device.device_kind for device in jax.local_devices() if device.platform != "cpu"]
    return []


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # Not Linux.
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
    return " ".join(next(named, platform.processor() or platform.machine()).split())
